import type { ErrorEntry } from "./error-entry.ts";

/** Scans, their journals and workers, and the database that they may share. */
export const SCAN_ERRORS = {
  SCAN_NOTHING: {
    kind: "nothing",
    meaning: "there is nothing to scan",
    advice: "Name directories, repositories or an organisation that hold models, or leave out less of them.",
  },
  SCAN_LIST_INVALID: {
    kind: "usage",
    meaning: "the list of things to scan cannot be read",
    advice: "Write one location a line, in UTF-8, or one JSON object with a location a line.",
  },
  SCAN_UNFINISHED: {
    kind: "usage",
    meaning: "the journal holds an unfinished scan: go on with `resume`, or begin with `restart`",
    advice: "Resume the scan that is there, or begin it anew.",
  },
  SCAN_DIFFERS: {
    kind: "usage",
    meaning: "the journal is of a scan with other inputs, options or registry",
    advice: "Go on with what the scan was begun with, or begin it anew.",
  },
  SCAN_JOURNAL_LOCKED: {
    kind: "refused",
    meaning: "another process is writing to this journal",
    advice: "Wait until the other process is done with the journal, or use another one.",
  },
  SCAN_JOURNAL_CORRUPT: {
    kind: "refused",
    meaning: "the journal was altered or damaged",
    advice: "Begin the scan anew, or with another journal.",
  },
  SCAN_INTERRUPTED: {
    kind: "passing",
    meaning: "the scan was stopped before it was done; `resume` goes on",
    advice: "Resume the scan: what is done already is not done again.",
  },
  WORKER_LOST: {
    kind: "passing",
    meaning: "a worker thread died while it worked on this",
    advice: "Try again; if workers die again, give them more memory or run fewer at a time.",
  },

  DATABASE_DRIVER_MISSING: {
    kind: "usage",
    meaning: "a database is named, and its driver is not installed",
    advice: "Install the drivers beside weightmark: npm install pg@8 pg-boss@10.",
  },
  DATABASE_URL_INVALID: {
    kind: "usage",
    meaning: "not the URL of a PostgreSQL database",
    advice: "Write postgres://USER@HOST:PORT/DATABASE.",
  },
  DATABASE_UNREACHABLE: {
    kind: "passing",
    meaning: "the database cannot be reached, or went away",
    advice: "See whether the database runs and can be reached from here, then try again.",
  },
  DATABASE_REFUSED: {
    kind: "refused",
    meaning: "the database refuses the user, or what was asked of it",
    advice: "Check the user, the password, the database and what the user may do there.",
  },
  DATABASE_VERSION: {
    kind: "refused",
    meaning: "the server is older than PostgreSQL 15, or the tables are of a newer weightmark",
    advice: "Use PostgreSQL 15 or later, and the newest weightmark that works with this database.",
  },
} as const satisfies Record<string, ErrorEntry>;
