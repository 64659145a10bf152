import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { openPool } from "../../threads/pool.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "../carriers/spread/chip-sums.ts";
import type { EditTask } from "./edit-task.ts";
import { type EditJob, type FilePair, performTask, Scratch } from "./perform-task.ts";

export interface RunOptions {
  /** Worker threads; 0 works on this thread. The result never depends on it. @default 2 */
  readonly threads?: number | undefined;
  /** Bytes done. */
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Performs all tasks; what the chips of the spread mark add up to in the end, added in the order of the tasks. */
export async function runTasks(
  tasks: Iterable<EditTask>,
  files: readonly FilePair[],
  sources: readonly ByteSource[],
  options: RunOptions,
): Promise<ChipSums | null> {
  const threads = options.threads ?? Math.min(2, availableParallelism());
  const sums = new OrderedSums();
  let done = 0;
  let number = 0;
  const queue = tasks[Symbol.iterator]();
  // Every lane takes the next task when it is done with one, so few of them are in memory at a time.
  const lane = async (perform: (task: EditTask) => Promise<ChipSums | null>): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      options.signal?.throwIfAborted();
      const at = number++;
      const task = next.value;
      sums.add(at, await perform(task));
      done += task.end - task.begin;
      options.onProgress?.(done);
    }
  };
  if (threads === 0 || files.some(({ source }) => source === null)) {
    const scratch = new Scratch();
    await lane(async (task) => {
      // Reads and writes are synchronous: without a turn of the event loop no signal would be heard.
      await setImmediate();
      return performTask(task, files[task.file]!, scratch, sources[task.file]!);
    });
    return sums.total;
  }
  const pool = await openPool<EditJob, ChipSums | null>("editTensors", { threads });
  try {
    const perform = (task: EditTask) => pool.run({ task, files: files[task.file]! }, options.signal);
    await Promise.all(Array.from({ length: threads }, () => lane(perform)));
  } finally {
    // Waits for the threads: nobody writes when this returns.
    await pool.close();
  }
  return sums.total;
}

/** Adds sums that come in any order in the order of their numbers: floating-point addition is not associative. */
class OrderedSums {
  total: ChipSums | null = null;
  readonly #early = new Map<number, ChipSums | null>();
  #next = 0;

  add(number: number, sums: ChipSums | null): void {
    this.#early.set(number, sums);
    for (let due = this.#early.get(this.#next); due !== undefined; due = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      if (due === null) continue;
      this.total ??= emptyChipSums(due.sums.length);
      addChipSums(this.total, due);
    }
  }
}
