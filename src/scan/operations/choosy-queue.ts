import type { JobQueue, TakenJob } from "../job-queue.ts";

/** Jobs held for a moment to see what lies behind them. */
const MAX_HELD = 256;

/** What to do with a job: work on it, leave it to others, or end it, since nobody can work on it any more. */
export type Choice = "work" | "leave" | "end";

/**
 * A queue that hands out only the jobs of some scans and looks past the others, which are given back at once for anyone who
 * can do them: otherwise one scan that this machine cannot work on would keep it from all that wait behind.
 */
export function choosyQueue(queue: JobQueue, choose: (scan: string) => Promise<Choice>): JobQueue {
  return {
    add: (jobs) => queue.add(jobs),
    counts: (scan) => queue.counts(scan),
    close: () => queue.close(),
    async take(limit) {
      const chosen: TakenJob[] = [];
      const left: TakenJob[] = [];
      try {
        while (chosen.length < limit && left.length < MAX_HELD) {
          const taken = await queue.take(limit - chosen.length);
          if (taken.length === 0) break;
          for (const [i, job] of taken.entries()) {
            const choice = await choose(job.job.scan).catch(async (error: unknown) => {
              left.push(...taken.slice(i));
              throw error;
            });
            if (choice === "work") chosen.push(job);
            else if (choice === "leave") left.push(job);
            else await job.complete();
          }
        }
        return chosen;
      } catch (error) {
        left.push(...chosen);
        throw error;
      } finally {
        // Jobs that cannot be given back now return with their lease.
        for (const job of left) await job.release().catch(() => undefined);
      }
    },
  };
}
