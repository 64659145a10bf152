import type { ErrorEntry } from "./error-entry.ts";

/** The command line, files as such, and files that are something else than weights. */
export const FILE_ERRORS = {
  USAGE: {
    kind: "usage",
    meaning: "the command line or an option is wrong",
    advice: "Correct what the message names; the help of the command lists what it takes.",
  },
  INTERNAL: {
    kind: "bug",
    meaning: "a bug in weightmark",
    advice: "This is a bug in weightmark: please report it with what was done and the whole message.",
  },
  NO_HOME_DIRECTORY: {
    kind: "usage",
    meaning: "something has its place in the home directory unless it is named, and there is none",
    advice: "Set HOME to a directory of this user, or name the place itself.",
  },

  FILE_NOT_FOUND: {
    kind: "refused",
    meaning: "the path does not exist",
    advice: "Check how it is spelled, capitals included, and that it is still there.",
  },
  FILE_UNREADABLE: {
    kind: "refused",
    meaning: "the path exists but cannot be read",
    advice:
      "See whether another program can read it: if not, rights, links, the disk or the network share are at fault.",
  },
  NOT_A_REGULAR_FILE: {
    kind: "refused",
    meaning: "a directory, FIFO, socket or device stands where a file is needed",
    advice: "Name a regular file in its place.",
  },
  READ_OUT_OF_RANGE: {
    kind: "refused",
    meaning: "a read beyond the end of the source",
    advice: "Ask only for bytes that lie within the size of the source.",
  },
  CHANGED_DURING_READ: {
    kind: "refused",
    meaning: "the file changed while it was being read",
    advice: "Run again once nothing writes to the file any more.",
  },
  BYTE_BUDGET_EXCEEDED: {
    kind: "refused",
    meaning: "reading on would exceed `maxBytes`",
    advice: "Allow more bytes, or read less of the model.",
  },
  OUTPUT_EXISTS: {
    kind: "refused",
    meaning: "the output exists and may not be overwritten",
    advice: "Name an output that does not exist yet, or move away what is there.",
  },
  OUTPUT_IS_INPUT: {
    kind: "refused",
    meaning: "the output path is one of the inputs",
    advice: "Write the output to a place outside of the inputs.",
  },
  WRITE_FAILED: {
    kind: "refused",
    meaning: "the output could not be written; nothing was left behind",
    advice: "Make sure that the place exists and has room, that this user may write there, and that the disk answers.",
  },

  EMPTY_FILE: {
    kind: "refused",
    meaning: "the file has no bytes",
    advice: "Fetch or write the file again: nothing of it has arrived.",
  },
  GIT_LFS_POINTER: {
    kind: "refused",
    meaning: "a pointer of Git LFS, Xet, git-annex or DVC stands where the weights should be",
    advice: "Fetch the weights it stands for, with the tool that it is of or from where the model is published.",
  },
  HTML_PAGE: {
    kind: "refused",
    meaning: "a web page stands where the weights should be",
    advice: "Fetch the file by its download address, with a token where one is needed, not the page that shows it.",
  },
  TEXT_FILE: {
    kind: "refused",
    meaning: "a text stands where the weights should be",
    advice: "Read the text, which may say why the weights did not come, and name the file that holds them.",
  },
  COMPRESSED_FILE: {
    kind: "refused",
    meaning: "the file is compressed as a whole; unpack it first",
    advice: "Unpack it, and name what comes out.",
  },
  UNSUPPORTED_CONTAINER: {
    kind: "refused",
    meaning: "a known kind of file that weightmark does not read",
    advice: "Convert the weights to safetensors with the tool that made them, or name the model they were made from.",
  },
} as const satisfies Record<string, ErrorEntry>;
