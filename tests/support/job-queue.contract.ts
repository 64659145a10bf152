import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { JobQueue, ScanJob, TakenJob } from "../../src/scan/job-queue.ts";
import { targetOf } from "./scan-items.ts";

export interface JobQueueEngine {
  /** A new, empty queue that gives a job 3 tries, and waits little between them. Closed by the contract. */
  create(): Promise<JobQueue>;
  /** Another handle on the same queue, as another machine has; null where there is only one. Closed by the contract. */
  another(queue: JobQueue): Promise<JobQueue | null>;
}

const job = (id: string, scan = "scan-1"): ScanJob => ({ scan, target: targetOf(id) });

/** Jobs until there are `count` of them: a retry may come back a little later. */
async function takeSoon(queue: JobQueue, count: number): Promise<TakenJob[]> {
  const taken: TakenJob[] = [];
  for (;;) {
    taken.push(...(await queue.take(count - taken.length)));
    if (taken.length === count) return taken;
    await sleep(20);
  }
}

const idsOf = (jobs: readonly TakenJob[]) => jobs.map(({ job: { scan, target } }) => `${scan} ${target.id}`).sort();

/** What every job queue does, whatever keeps it. */
export function jobQueueContract(name: string, engine: JobQueueEngine): void {
  async function withQueue(work: (queue: JobQueue) => Promise<void>): Promise<void> {
    const queue = await engine.create();
    try {
      await work(queue);
    } finally {
      await queue.close();
    }
  }

  describe(`${name}: jobs`, () => {
    it("gives what was added, as it was added", () =>
      withQueue(async (queue) => {
        expect(await queue.take(5)).toEqual([]);
        const target = targetOf("hf:org/m@1", { name: "__proto__ \u202e", content: "0".repeat(64), bytes: 2 ** 40 });
        expect(await queue.add([{ scan: "scan-1", target }])).toBe(1);
        const [taken] = await takeSoon(queue, 1);
        expect(taken?.job).toEqual({ scan: "scan-1", target });
        expect(taken?.attempt).toBe(1);
      }));

    it("adds a target of a scan once", () =>
      withQueue(async (queue) => {
        expect(await queue.add([job("a"), job("b"), job("a")])).toBe(2);
        expect(await queue.add([job("a"), job("c")])).toBe(1);
        expect(await queue.add([job("a", "scan-2")])).toBe(1);
        expect(await queue.add([])).toBe(0);
        const taken = await takeSoon(queue, 4);
        expect(idsOf(taken)).toEqual(["scan-1 a", "scan-1 b", "scan-1 c", "scan-2 a"]);
        // Being worked on or done, it still is known.
        expect(await queue.add([job("a")])).toBe(0);
        for (const one of taken) await one.complete();
        expect(await queue.add([job("a"), job("b")])).toBe(0);
        expect(await queue.take(5)).toEqual([]);
      }));

    it("gives a job to one taker only, at most as many as were asked for", () =>
      withQueue(async (queue) => {
        const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
        await queue.add(ids.map((id) => job(id)));
        const first = await queue.take(7);
        expect(first.length).toBeLessThanOrEqual(7);
        const rest = await Promise.all(Array.from({ length: 8 }, () => takeSoon(queue, 4)));
        const all = [...first, ...rest.flat()];
        expect(new Set(idsOf(all)).size).toBe(all.length);
        while (all.length < 40) all.push(...(await takeSoon(queue, 40 - all.length)));
        expect(new Set(idsOf(all)).size).toBe(40);
      }));

    it("gives a job to one machine only", () =>
      withQueue(async (queue) => {
        const other = await engine.another(queue);
        if (other === null) return;
        try {
          await queue.add(Array.from({ length: 30 }, (_, i) => job(`t${i}`)));
          const [mine, theirs] = await Promise.all([takeSoon(queue, 15), takeSoon(other, 15)]);
          expect(new Set(idsOf([...mine, ...theirs])).size).toBe(30);
          expect(await other.add([job("t3")])).toBe(0);
        } finally {
          await other.close();
        }
      }));

    it("counts what waits, is worked on, is done and is given up, by scan", () =>
      withQueue(async (queue) => {
        await queue.add([job("a"), job("b"), job("c"), job("x", "scan-2")]);
        const taken = await takeSoon(queue, 4);
        await queue.add([job("d")]);
        expect(await queue.counts("scan-1")).toEqual({ waiting: 1, active: 3, done: 0, failed: 0 });
        await taken.find(({ job: { target } }) => target.id === "a")!.complete();
        expect(await queue.counts("scan-1")).toEqual({ waiting: 1, active: 2, done: 1, failed: 0 });
        expect(await queue.counts("scan-2")).toEqual({ waiting: 0, active: 1, done: 0, failed: 0 });
        expect(await queue.counts("scan-3")).toEqual({ waiting: 0, active: 0, done: 0, failed: 0 });
      }));
  });

  describe(`${name}: jobs that are not done`, () => {
    it("gives a released job again at once, and does not count it as a try", () =>
      withQueue(async (queue) => {
        await queue.add([job("a")]);
        for (let round = 0; round < 5; round++) {
          const [taken] = await takeSoon(queue, 1);
          expect(taken?.attempt).toBe(1);
          await taken!.release();
        }
        const [taken] = await takeSoon(queue, 1);
        await taken!.complete();
        expect(await queue.counts("scan-1")).toEqual({ waiting: 0, active: 0, done: 1, failed: 0 });
      }));

    it("tries again until the tries are used up", () =>
      withQueue(async (queue) => {
        await queue.add([job("a")]);
        for (const attempt of [1, 2, 3]) {
          const [taken] = await takeSoon(queue, 1);
          expect(taken?.attempt).toBe(attempt);
          expect(taken?.job.target.id).toBe("a");
          await taken!.retry("the server failed");
        }
        expect(await queue.take(1)).toEqual([]);
        expect(await queue.counts("scan-1")).toEqual({ waiting: 0, active: 0, done: 0, failed: 1 });
      }));

    it("adds a job that was given up once more: a scan that is resumed", () =>
      withQueue(async (queue) => {
        await queue.add([job("a")]);
        for (let attempt = 1; attempt <= 3; attempt++) await (await takeSoon(queue, 1))[0]!.retry("502");
        expect(await queue.add([job("a")])).toBe(1);
        const [taken] = await takeSoon(queue, 1);
        expect(taken?.attempt).toBe(1);
        await taken!.complete();
        expect(await queue.counts("scan-1")).toMatchObject({ waiting: 0, active: 0, done: 1 });
      }));
  });
}
