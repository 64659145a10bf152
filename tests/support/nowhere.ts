import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path at which nothing is, on any machine. */
export const NOWHERE = join(tmpdir(), `weightmark-nowhere-${randomUUID()}`);
