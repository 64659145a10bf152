import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Start time of a process in clock ticks (Linux), null elsewhere: tells a reused process number from its former owner. */
export function processStart(pid: number): string | null {
  try {
    // A /proc of another namespace than ours, as `unshare --pid` leaves it, tells of other processes under these numbers.
    if (readlinkSync("/proc/self") !== String(process.pid)) return null;
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Field 22; the command name in field 2 may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * 16 hex digits for this machine since it was started, as far as numbers of processes mean the same ones in it: another
 * container has other processes. Null where that cannot be told.
 */
export function processSpace(): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1");
    const numbers = readlinkSync("/proc/self/ns/pid");
    return createHash("sha256")
      .update(JSON.stringify([hostname(), boot, numbers]))
      .digest("hex")
      .slice(0, 16);
  } catch {
    return null;
  }
}
