import { closeSync } from "node:fs";
import { machineLimit } from "../machine-limit.ts";

/**
 * Files of a thread that are open at a time, however many shards its models have: a process may be allowed 128. Anyone who reads
 * turns to few of them in a stretch, and opening one again costs a hundredth of a millisecond.
 */
const MAX_OPEN = 16;

/** Handles of this thread that are open or about to be. */
let open = 0;
/** Open and not in use, the one used last at the end. */
const idle = new Set<KeptHandle>();
const waiting: (() => void)[] = [];

/** How many files of this thread are open by way of `KeptHandle`. */
export function openHandles(): number {
  return open;
}

/** Closes the handle that was used longest ago; false when all are in use. */
function evict(): boolean {
  const [oldest] = idle;
  oldest?.drop();
  return oldest !== undefined;
}

/** Takes the place of a handle, another's if need be; waits while all are in use. */
async function enter(): Promise<void> {
  while (open >= MAX_OPEN && !evict()) await new Promise<void>((freed) => waiting.push(freed));
  open += 1;
}

/** The same for anyone who cannot wait: there may be one more handle than there should be, for a while. */
function enterNow(): void {
  if (open >= MAX_OPEN) evict();
  open += 1;
}

function leave(): void {
  open -= 1;
  wake();
}

function wake(): void {
  waiting.shift()?.();
}

/** Whether it is worth another try: others of this thread were in the way, and are closed now. */
function madeRoom(error: unknown): boolean {
  const limit = machineLimit(error) ?? error;
  if ((limit as { code?: unknown }).code !== "TOO_MANY_OPEN_FILES") return false;
  let some = false;
  while (evict()) some = true;
  return some;
}

/** How a file is opened. Both throw where it is not the file that is meant. */
export interface Opener {
  /** The first time, when the file system may take its time to find it. */
  open(): Promise<number>;
  /** Again: a tenth of the work. */
  openSync(): number;
}

/** The handle of one file, which is closed while others are needed more, and opened again. */
export class KeptHandle {
  readonly #opener: Opener;
  #fd: number | null = null;
  #isKnown = false;
  #opening: Promise<void> | null = null;
  #users = 0;
  #closed = false;

  constructor(opener: Opener) {
    this.#opener = opener;
  }

  /** Its number where it is open now. */
  get fd(): number | null {
    return this.#fd;
  }

  async use<T>(work: (fd: number) => Promise<T>): Promise<T> {
    this.#requireOpen();
    // Again, should it have been given up for others before it was our turn.
    while (this.#fd === null) await this.#open();
    const fd = this.#begin(this.#fd);
    try {
      return await work(fd);
    } finally {
      this.#end();
    }
  }

  useSync<T>(work: (fd: number) => T): T {
    this.#requireOpen();
    const fd = this.#begin(this.#fd ?? this.#openSync());
    try {
      return work(fd);
    } finally {
      this.#end();
    }
  }

  /** Closes it for good, at once or as soon as nobody uses it. */
  close(): void {
    this.#closed = true;
    if (this.#users === 0) this.drop();
  }

  /** Closes it until it is used again. Nobody may be using it. */
  drop(): void {
    idle.delete(this);
    if (this.#fd === null) return;
    discard(this.#fd);
    this.#fd = null;
    leave();
  }

  #requireOpen(): void {
    if (this.#closed) throw Object.assign(new Error("EBADF: the file was closed"), { code: "EBADF" });
  }

  #begin(fd: number): number {
    idle.delete(this);
    this.#users += 1;
    return fd;
  }

  #end(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    if (this.#closed || open > MAX_OPEN) {
      this.drop();
    } else {
      idle.add(this);
      wake();
    }
  }

  /** Shared by all who read the file meanwhile. What is open then is in nobody's use, nor idle: it stays for them. */
  #open(): Promise<void> {
    this.#opening ??= this.#openLater().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openLater(): Promise<void> {
    await enter();
    try {
      const fd = this.#fd ?? (this.#isKnown ? this.#openOrMakeRoom() : await this.#openFirst());
      // Somebody who could not wait may have opened it meanwhile.
      if (this.#fd !== null) {
        if (fd !== this.#fd) discard(fd);
        leave();
      }
      this.#fd ??= fd;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #openSync(): number {
    enterNow();
    try {
      this.#fd = this.#openOrMakeRoom();
      return this.#fd;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #openFirst(): Promise<number> {
    const fd = await this.#opener.open().catch((error) => {
      if (!madeRoom(error)) throw error;
      return this.#opener.open();
    });
    this.#isKnown = true;
    return fd;
  }

  #openOrMakeRoom(): number {
    try {
      return this.#opener.openSync();
    } catch (error) {
      if (!madeRoom(error)) throw error;
      return this.#opener.openSync();
    }
  }
}

/** What was only read has nothing to lose when it is closed. */
function discard(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The number is free all the same.
  }
}
