import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { isAlive, processStart } from "../bytes/process-identity.ts";

/** Where a process number means one process: a PID namespace of a system that was booted once. */
export interface ProcessSpace {
  readonly host: string;
  /**
   * What Linux calls the PID namespace, "pid:[4026531836]"; null elsewhere. Containers have their own, often under one host name.
   */
  readonly pidNamespace: string | null;
  /** Random id of this boot (Linux), null elsewhere. */
  readonly boot: string | null;
}

/** Who holds a lock, as its file says. */
export interface Holder extends ProcessSpace {
  readonly pid: number;
  /** Start time of the process in clock ticks (Linux), null elsewhere: tells a reused process number from its former owner. */
  readonly started: string | null;
  readonly token: string;
  /** Whether the file is written to again and again while the lock is held; locks of early releases are not. */
  readonly beats: boolean;
}

/** "elsewhere" is a holder that cannot be looked up from here: on another machine, in another container, before a reboot. */
export type Standing = "alive" | "gone" | "elsewhere";

/** A host name has 255 bytes at most. */
const MAX_FIELD = 255;

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Where this process runs. */
export function ownSpace(): ProcessSpace {
  return {
    host: hostname(),
    pidNamespace: orNull(() => readlinkSync("/proc/self/ns/pid")),
    boot: orNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()),
  };
}

export function ownHolder(space: ProcessSpace, token: string): Holder {
  return { pid: process.pid, ...space, started: processStart(process.pid), token, beats: true };
}

/**
 * What a lock file says, with a digest of it: whatever a damaged lock says, it may be held, and only what was written is
 * believed.
 */
export function holderText(holder: Holder): string {
  return JSON.stringify({ ...holder, check: checkOf(holder) });
}

function checkOf({ pid, host, pidNamespace, boot, started, token, beats }: Holder): string {
  return createHash("sha256")
    .update(JSON.stringify([pid, host, pidNamespace, boot, started, token, beats]))
    .digest("hex")
    .slice(0, 32);
}

/** Null for what is no lock, or a damaged one. */
export function parseHolder(text: string): Holder | null {
  const value: unknown = orNull(() => JSON.parse(text));
  if (typeof value !== "object" || value === null) return null;
  const { pid, host, pidNamespace, boot, started, token, beats, check } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(pid) || !isField(host) || !isField(token)) return null;
  const field = (one: unknown): string | null => (isField(one) ? one : null);
  const holder: Holder = {
    pid: pid as number,
    host,
    pidNamespace: field(pidNamespace),
    boot: field(boot),
    started: field(started),
    token,
    beats: beats === true,
  };
  // Locks of earlier releases have none.
  return check === undefined || check === checkOf(holder) ? holder : null;
}

function isField(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_FIELD;
}

/**
 * Whether the process that holds a lock still runs, as far as that can be told from `space`.
 *
 * @param isHeldHere whether this very program holds the lock with that token, or waits for it
 */
export function standingOf(holder: Holder, space: ProcessSpace, isHeldHere: (token: string) => boolean): Standing {
  if (!isOneSpace(holder, space)) return "elsewhere";
  if (isHeldHere(holder.token)) return "alive";
  const started = processStart(holder.pid);
  const isKnown = holder.started !== null && started !== null;
  if (isKnown && started !== holder.started) return "gone";
  // Of this process itself, when it was started when the lock says, another instance of this module may hold the lock.
  if (holder.pid === process.pid) return isKnown ? "alive" : "gone";
  return isAlive(holder.pid) ? "alive" : "gone";
}

/** Only Linux has such namespaces; one that does not name them to us may put a stranger behind any number. */
function isOneSpace(a: ProcessSpace, b: ProcessSpace): boolean {
  if (a.host !== b.host || a.pidNamespace !== b.pidNamespace || a.boot !== b.boot) return false;
  return process.platform !== "linux" || (a.pidNamespace !== null && a.boot !== null);
}
