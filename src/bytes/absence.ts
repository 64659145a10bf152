import { lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fsPath } from "./path-text.ts";

/** What to say of a path that leads to nothing. */
export interface Absence {
  readonly message: string;
  readonly detail?: string | undefined;
}

const BROKEN = "the symbolic link leads nowhere";
const BROKEN_ON_THE_WAY = "a symbolic link on the way leads nowhere";
const NO_SUCH_FILE = "no such file";
const UNFETCHED = "What it stands for was not fetched, or was moved away.";
const ANNEX = /(?:^|\/)annex\/objects\//;
const LOST = "\ufffd";

/**
 * Why nothing is found at a path: links that lead nowhere are how git-annex, DVC and caches hold what was not fetched, and
 * to anyone who looks at the directory a file is there.
 */
export function absenceOf(path: string): Absence {
  const link = brokenLink(path);
  if (link !== null) {
    const message = link === path ? BROKEN : BROKEN_ON_THE_WAY;
    return { message, detail: ANNEX.test(targetOf(link)) ? "Fetch what it stands for with git annex get." : UNFETCHED };
  }
  if (!path.includes(LOST)) return { message: NO_SUCH_FILE };
  return {
    message: NO_SUCH_FILE,
    detail:
      "If bytes that are no UTF-8 stood where U+FFFD stands in the name, they are lost: rename it, or scan the directory that it lies in.",
  };
}

/** Whether an error says that a link leads nowhere: to anyone who looks, a file is there. */
export function isBrokenLink({ message }: Error): boolean {
  return message === BROKEN || message === BROKEN_ON_THE_WAY;
}

/** The link on the way to a path at which the way ends, or null. */
function brokenLink(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    const found = orNull(() => lstatSync(fsPath(at)));
    if (found !== null) return found.isSymbolicLink() && orNull(() => statSync(fsPath(at))) === null ? at : null;
    if (dirname(at) === at) return null;
  }
}

function targetOf(link: string): string {
  return orNull(() => readlinkSync(fsPath(link))) ?? "";
}

function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
