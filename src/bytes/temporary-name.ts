import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, processSpace, processStart } from "./process-identity.ts";

/** What is written lies under such a name until it is whole; a killed process leaves it. */
const TEMPORARY = /^\.weightmark-(?:([0-9a-f]{16})-(\d{1,10})-(\d{1,20})-)?[0-9a-f]{16}\.tmp$/;

/**
 * A name that nothing has yet, and that says whose it is where that can be judged later. Not built from the output's own
 * name, which may already be as long as names can be.
 */
export function temporaryName(): string {
  const [space, start] = [processSpace(), processStart(process.pid)];
  const owner = space === null || start === null ? "" : `${space}-${process.pid}-${start}-`;
  return `.weightmark-${owner}${randomBytes(8).toString("hex")}.tmp`;
}

/** Whether a file or directory is something half-written, or what a killed process left of it. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Removes what processes of this machine left in a directory that are certainly gone. Whatever cannot be judged stays: what was
 * left before a restart, or by another machine that writes here too. Never fails.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  const space = processSpace();
  for (const name of await readdir(directory).catch(() => [])) {
    const [, owner, pid, start] = TEMPORARY.exec(name) ?? [];
    if (owner === undefined || owner !== space || isRunning(Number(pid), start!)) continue;
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number, start: string): boolean {
  const now = processStart(pid);
  return now === null ? isAlive(pid) : now === start;
}
