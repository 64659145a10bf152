import { randomBytes } from "node:crypto";

/** What is written lies under such a name until it is whole; a killed process leaves it. */
const TEMPORARY = /^\.weightmark-[0-9a-f]{16}\.tmp$/;

/** A name that nothing has yet. Not built from the output's own name, which may already be as long as names can be. */
export function temporaryName(): string {
  return `.weightmark-${randomBytes(8).toString("hex")}.tmp`;
}

/** Whether a file or directory is something half-written, or what a killed process left of it. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}
