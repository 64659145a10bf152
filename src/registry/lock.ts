import { createHash, randomBytes } from "node:crypto";
import { readFileSync, unlinkSync } from "node:fs";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, processStart } from "../bytes/process-identity.ts";
import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { undoOnExit } from "../unfinished.ts";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process in clock ticks (Linux), null elsewhere: tells a reused process number from its former owner. */
  readonly started: string | null;
  readonly token: string;
}

/** Whatever a damaged lock says, it may be held: only what was written is believed. */
function checkOf({ pid, host, started, token }: Holder): string {
  return createHash("sha256")
    .update(JSON.stringify([pid, host, started, token]))
    .digest("hex")
    .slice(0, 32);
}

const RETRY_MS = 25;

/** Tokens of the locks that this process holds or waits for. One that is killed leaves them to be judged stale. */
const heldHere = new Set<string>();

function parseHolder(text: string): Holder | null {
  try {
    const { pid, host, started, token, check } = JSON.parse(text) as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || typeof host !== "string" || typeof token !== "string") return null;
    const holder = { pid: pid as number, host, token, started: typeof started === "string" ? started : null };
    // Locks of earlier releases have none.
    return check === undefined || check === checkOf(holder) ? holder : null;
  } catch {
    return null;
  }
}

/** A lock is stale when its process, on this very machine, is certainly gone. Other machines' locks are never judged. */
function isStale(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  if (holder.pid === process.pid) return !heldHere.has(holder.token);
  if (!isAlive(holder.pid)) return true;
  const started = processStart(holder.pid);
  return holder.started !== null && started !== null && started !== holder.started;
}

/** Takes away a stale lock, and nothing else: what was moved aside is put back unless it is the lock that was judged. */
async function breakLock(path: string, judged: string): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8").catch(() => judged)) !== judged) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

/** Where a lock is written before it is one. */
function asideOf(path: string, token: string): string {
  return `${path}.${token}.tmp`;
}

/** Writes the lock aside and links it, so that no one ever sees one without its holder in it; false when there is one. */
async function tryLock(path: string, mine: string, token: string): Promise<boolean> {
  const aside = asideOf(path, token);
  try {
    await writeFile(aside, mine, { flag: "wx" });
    await link(aside, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST") return false;
    throw new WeightmarkError("WRITE_FAILED", `the lock cannot be made (${code})`, { file: path, cause: error });
  } finally {
    await unlink(aside).catch(() => undefined);
  }
}

/** What a lock guards, for whoever finds it taken. */
export interface LockOptions {
  /** How long to wait for its holder, milliseconds; 0 to ask once. */
  readonly timeoutMs: number;
  readonly code: ErrorCode;
  /** "another process is changing this registry". */
  readonly message: string;
}

async function acquire(path: string, mine: string, token: string, options: LockOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  while (!(await tryLock(path, mine, token))) {
    const text = await readFile(path, "utf8").catch(() => null);
    const holder = text === null ? null : parseHolder(text);
    if (text !== null && holder !== null && isStale(holder)) await breakLock(path, text);
    else if (performance.now() >= deadline) {
      throw new WeightmarkError(options.code, options.message, {
        file: path,
        detail: holder
          ? `Wait for process ${holder.pid} on ${holder.host}, or delete the lock file if that process is gone.`
          : "Delete the lock file if no other process has made it.",
      });
    } else await sleep(RETRY_MS);
  }
}

/**
 * Takes the lock file `path`; the function returned gives it back. The lock of a process that died is taken over.
 *
 * @throws the code of `options` when another holder has it for longer than `timeoutMs`; WRITE_FAILED
 */
export async function takeLock(path: string, options: LockOptions): Promise<() => void> {
  const token = randomBytes(16).toString("hex");
  const holder = { pid: process.pid, host: hostname(), started: processStart(process.pid), token };
  const mine = JSON.stringify({ ...holder, check: checkOf(holder) });
  const giveBack = () => {
    heldHere.delete(token);
    try {
      if (readFileSync(path, "utf8") === mine) unlinkSync(path);
    } catch {
      // Gone already.
    }
  };
  heldHere.add(token);
  const settled = undoOnExit(() => {
    giveBack();
    unlinkSync(asideOf(path, token));
  });
  try {
    await acquire(path, mine, token, options);
  } catch (error) {
    heldHere.delete(token);
    settled();
    throw error;
  }
  return () => {
    giveBack();
    settled();
  };
}

/**
 * Runs `work` as the only writer of a directory.
 *
 * @throws REGISTRY_LOCKED when another writer holds it for longer than `timeoutMs`
 */
export async function withLock<T>(directory: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(join(directory, "lock"), {
    timeoutMs,
    code: "REGISTRY_LOCKED",
    message: "another process is changing this registry",
  });
  try {
    return await work();
  } finally {
    release();
  }
}
