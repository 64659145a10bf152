import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeLeftovers } from "../bytes/temporary-name.ts";
import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { undoOnExit } from "../unfinished.ts";
import { asideOf, beat, breakLock, isIn, look, type Seen, tryLock } from "./lock-file.ts";
import {
  type Holder,
  holderText,
  ownHolder,
  ownSpace,
  type ProcessSpace,
  parseHolder,
  type Standing,
  standingOf,
} from "./lock-holder.ts";

/** Signs of life of a holder that cannot be looked up, for its process runs in another container or on another machine. */
export interface LockPulse {
  /** Between two signs, milliseconds. */
  readonly beatMs: number;
  /** Without a sign for this long, by the clock of the file system, a lock is taken over. */
  readonly silentMs: number;
  /**
   * And without one for this long under our own eyes: a clock that was put forward, or a machine that slept, makes no silence.
   */
  readonly watchMs: number;
}

/** Many times what an attribute cache of NFS hides (a minute), and what a busy process keeps its timers waiting. */
const PULSE: LockPulse = { beatMs: 10_000, silentMs: 300_000, watchMs: 25_000 };
const RETRY_MS = 25;
/** While a silent lock is watched. */
const WATCH_RETRY_MS = 250;

/** What a lock guards, for anyone who finds it taken. */
export interface LockOptions {
  /** How long to wait for its holder, milliseconds; 0 to ask once. A lock that may be given up is watched for a while more. */
  readonly timeoutMs: number;
  readonly code: ErrorCode;
  /** "another process is changing this registry". */
  readonly message: string;
  /** Directories, besides the lock's own, where a holder that is killed may leave temporary files. @default none */
  readonly leaves?: readonly string[] | undefined;
  /** @default where this process runs */
  readonly space?: ProcessSpace | undefined;
  /** @default a sign every 10 s; silent after 5 minutes, of which 25 s under our own eyes */
  readonly pulse?: LockPulse | undefined;
}

/** A lock that was taken. */
export interface Lock {
  /** Whether a holder before was killed, or is taken for it: what it was at may lie about half-done. */
  readonly tookOver: boolean;
  /**
   * Asks before anything that only the holder may do is made final: a process that stood still for minutes may have lost its
   * lock to another one.
   *
   * @throws the code it was taken with
   */
  requireHeld(): void;
  /** Gives it back; only once. */
  release(): void;
}

/** Tokens of the locks that this process holds or waits for. One that is killed leaves them to be judged stale. */
const heldHere = new Set<string>();

/** Waits for the lock and takes it; whether the lock of another had to be broken for it. */
async function acquire(path: string, mine: string, aside: string, own: Holder, options: LockOptions): Promise<boolean> {
  const pulse = options.pulse ?? PULSE;
  const deadline = performance.now() + options.timeoutMs;
  let watched: (Seen & { readonly since: number }) | null = null;
  for (let tookOver = false; ; ) {
    const now = await tryLock(path, mine, aside);
    if (now === null) return tookOver;
    const seen = await look(path);
    const holder = seen === null ? null : parseHolder(seen.text);
    if (seen === null || watched?.text !== seen.text || watched.at !== seen.at) {
      watched = seen === null ? null : { ...seen, since: performance.now() };
    }
    const standing = holder === null ? null : standingOf(holder, own, (token) => heldHere.has(token));
    const isSilent = standing === "elsewhere" && holder!.beats && now - seen!.at >= pulse.silentMs;
    if (standing === "gone" || (isSilent && performance.now() - watched!.since >= pulse.watchMs)) {
      // Before: the one who is killed at this leaves the lock to say that it is still to be done.
      for (const directory of options.leaves ?? []) await removeLeftovers(directory);
      await breakLock(path, seen!.text);
      tookOver = true;
    } else if (isSilent) await sleep(Math.min(WATCH_RETRY_MS, pulse.watchMs));
    else if (performance.now() < deadline) await sleep(RETRY_MS);
    else {
      const detail = advice(holder, standing, seen === null ? 0 : now - seen.at, pulse.silentMs);
      throw new WeightmarkError(options.code, options.message, { file: path, detail });
    }
  }
}

/** What to do about a lock that is taken. */
function advice(holder: Holder | null, standing: Standing | null, silentMs: number, limitMs: number): string {
  if (holder === null) return "Delete the lock file if no other process has made it.";
  const name = `process ${holder.pid} on ${holder.host}`;
  if (standing !== "elsewhere") return `Wait for ${name}, or delete the lock file if that process is gone.`;
  const where = "it belongs to another container or machine, or to a time before the last start of this one";
  if (!holder.beats) return `Nothing tells whether ${name} still runs: ${where}. Delete the lock file if it is gone.`;
  const seconds = Math.max(0, Math.round(silentMs / 1000));
  const end = `the lock is taken over ${Math.round(limitMs / 60_000)} minutes after its last sign of life (${seconds} s ago)`;
  return `Wait for ${name}; ${where}, and ${end}. Delete the lock file if you know that it is gone.`;
}

/**
 * Takes the lock file `path`. The lock of a process that died is taken over; so is that of one that cannot be looked up from
 * here and has given no sign of life for minutes. What killed processes of this machine left beside it is taken away.
 *
 * @throws the code of `options` when another holder has it for longer than `timeoutMs`; WRITE_FAILED
 */
export async function takeLock(path: string, options: LockOptions): Promise<Lock> {
  const token = randomBytes(16).toString("hex");
  const own = ownHolder(options.space ?? ownSpace(), token);
  const mine = holderText(own);
  const aside = asideOf(path);
  let pulse: NodeJS.Timeout | undefined;
  const giveBack = () => {
    heldHere.delete(token);
    clearInterval(pulse);
    try {
      if (isIn(path, mine)) unlinkSync(path);
    } catch {
      // Gone already.
    }
  };
  heldHere.add(token);
  const settled = undoOnExit(() => {
    giveBack();
    unlinkSync(aside);
  });
  let tookOver: boolean;
  try {
    tookOver = await acquire(path, mine, aside, own, options);
  } catch (error) {
    heldHere.delete(token);
    settled();
    throw error;
  }
  pulse = setInterval(beat, (options.pulse ?? PULSE).beatMs, path, mine).unref();
  // Also what waited for the lock and was killed, and left no lock to tell of it.
  await removeLeftovers(dirname(path));
  return {
    tookOver,
    release() {
      giveBack();
      settled();
    },
    requireHeld() {
      if (isIn(path, mine)) return;
      throw new WeightmarkError(options.code, "the lock is not this process's any more", {
        file: path,
        detail: "It stood still for minutes and another process took over, or the file was deleted. Run it again.",
      });
    },
  };
}

/**
 * Runs `work` as the only writer of a directory.
 *
 * @throws REGISTRY_LOCKED when another writer holds it for longer than `timeoutMs`
 */
export async function withLock<T>(
  directory: string,
  timeoutMs: number,
  work: (lock: Lock) => Promise<T>,
  options: Pick<LockOptions, "leaves" | "space" | "pulse"> = {},
): Promise<T> {
  const lock = await takeLock(join(directory, "lock"), {
    timeoutMs,
    code: "REGISTRY_LOCKED",
    message: "another process is changing this registry",
    ...options,
  });
  try {
    return await work(lock);
  } finally {
    lock.release();
  }
}
