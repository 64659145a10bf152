import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with archives that a model lies inside of, and with files that were split. */
export const ARCHIVE_ERRORS = {
  TAR_MALFORMED: {
    kind: "refused",
    meaning: "tar: the archive is damaged, or its headers make no sense",
    advice: "Fetch the archive again; if it stays so, unpack it yourself and name what comes out.",
  },
  TAR_UNSUPPORTED: {
    kind: "refused",
    meaning: "tar: a member that is needed is a link, a sparse file or of another kind that holds no plain bytes",
    advice: "Unpack the archive yourself, and name the model that comes out.",
  },
  GZIP_MALFORMED: {
    kind: "refused",
    meaning: "gzip or deflate: what was compressed is damaged or cut off",
    advice: "Fetch the file again; if it stays so, unpack it yourself and name what comes out.",
  },
  ARCHIVE_LIMIT: {
    kind: "refused",
    meaning: "the archive has more members, or unpacks to more, than a model in it could need",
    advice: "Take it for an attack unless you know better: then unpack it yourself, and name the model that comes out.",
  },
} as const satisfies Record<string, ErrorEntry>;
