import type { ErrorEntry } from "./error-entry.ts";

/** The command line, files as such, and files that are something else than weights. */
export const FILE_ERRORS = {
  USAGE: {
    exit: 2,
    meaning: "the command line or an option is wrong",
    advice: "Correct what the message names; the help of the command lists what it takes.",
  },
  INTERNAL: {
    exit: 70,
    meaning: "a bug in weightmark",
    advice: "This is a bug in weightmark: please report it with what was done and the whole message.",
  },
  NO_HOME_DIRECTORY: {
    exit: 2,
    meaning: "something has its place in the home directory unless it is named, and there is none",
    advice: "Set HOME to a directory of this user, or name the place itself.",
  },

  FILE_NOT_FOUND: {
    exit: 3,
    meaning: "the path does not exist",
    advice: "Check how it is spelled, capitals included, and that it is still there.",
  },
  FILE_UNREADABLE: {
    exit: 3,
    meaning: "the path exists but cannot be read",
    advice:
      "See whether another program can read it: if not, rights, links, the disk or the network share are at fault.",
  },
  NOT_A_REGULAR_FILE: {
    exit: 3,
    meaning: "a directory, FIFO, socket or device stands where a file is needed",
    advice: "Name a regular file in its place.",
  },
  READ_OUT_OF_RANGE: {
    exit: 3,
    meaning: "a read beyond the end of the source",
    advice: "Ask only for bytes that lie within the size of the source.",
  },
  CHANGED_DURING_READ: {
    exit: 3,
    meaning: "the file changed while it was being read",
    advice: "Run again once nothing writes to the file any more.",
  },
  BYTE_BUDGET_EXCEEDED: {
    exit: 3,
    meaning: "reading on would exceed --max-bytes",
    advice: "Allow more bytes, or read less of the model.",
  },
  OUTPUT_EXISTS: {
    exit: 3,
    meaning: "the output exists and may not be overwritten",
    advice: "Name an output that does not exist yet, or move away what is there.",
  },
  OUTPUT_IS_INPUT: {
    exit: 3,
    meaning: "the output path is one of the inputs",
    advice: "Write the output to a place outside of the inputs.",
  },
  WRITE_FAILED: {
    exit: 3,
    meaning: "the output could not be written; nothing was left behind",
    advice: "Make sure that the place exists and has room, that this user may write there, and that the disk answers.",
  },

  EMPTY_FILE: {
    exit: 3,
    meaning: "the file has no bytes",
    advice: "Fetch or write the file again: nothing of it has arrived.",
  },
  GIT_LFS_POINTER: {
    exit: 3,
    meaning: "a pointer of Git LFS, Xet, git-annex or DVC stands where the weights should be",
    advice: "Fetch the weights it stands for, with the tool that it is of or from where the model is published.",
  },
  HTML_PAGE: {
    exit: 3,
    meaning: "a web page stands where the weights should be",
    advice: "Fetch the file by its download address, with a token where one is needed, not the page that shows it.",
  },
  TEXT_FILE: {
    exit: 3,
    meaning: "a text stands where the weights should be",
    advice: "Read the text, which may say why the weights did not come, and name the file that holds them.",
  },
  COMPRESSED_FILE: {
    exit: 3,
    meaning: "the file is compressed as a whole; unpack it first",
    advice: "Unpack it, and name what comes out.",
  },
  UNSUPPORTED_CONTAINER: {
    exit: 3,
    meaning: "a known kind of file that weightmark does not read",
    advice: "Convert the weights to safetensors with the tool that made them, or name the model they were made from.",
  },
} as const satisfies Record<string, ErrorEntry>;
