import type { ErrorCode } from "../errors.ts";

/** What a folder answers when a file is not there. */
export const ABSENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["FILE_NOT_FOUND", "HTTP_NOT_FOUND"]);
