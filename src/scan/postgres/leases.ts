import type PgBoss from "pg-boss";
import type { Database } from "../../registry/postgres/connect.ts";
import { JOBS, QUEUE } from "./boss.ts";

/**
 * Renews what this process holds three times a lease, and gives the jobs of lost workers back. pg-boss counts a lease from
 * `started_on`; its own maintenance would look once a minute at the soonest, and move what is done away.
 */
export class Leases {
  private readonly held = new Map<string, number>();
  private readonly database: Database;
  private readonly boss: PgBoss;
  private readonly leaseMs: number;
  private readonly timer: NodeJS.Timeout;
  private isRunning = false;
  /** Others get the time to renew theirs, after an outage as after our start. */
  private patientUntil: number;

  constructor(database: Database, boss: PgBoss, leaseMs: number) {
    this.database = database;
    this.boss = boss;
    this.leaseMs = leaseMs;
    this.patientUntil = performance.now() + leaseMs;
    this.timer = setInterval(() => void this.turn(), leaseMs / 3);
    this.timer.unref();
  }

  /** @param retryCount tells our lease of a job from another's later one */
  hold(id: string, retryCount: number): void {
    this.held.set(id, retryCount);
  }

  drop(id: string): void {
    this.held.delete(id);
  }

  /** Waits for nothing: a database that is away would hold up a worker that is told to stop. */
  close(): void {
    clearInterval(this.timer);
    this.held.clear();
  }

  private async turn(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    const began = performance.now();
    try {
      await this.renew();
      if (performance.now() - began > this.leaseMs / 3) this.patientUntil = performance.now() + this.leaseMs;
      if (performance.now() > this.patientUntil) await this.boss.expire();
    } catch {
      // Anyone who takes or stores something hears of it; the next turn tries again.
      this.patientUntil = performance.now() + this.leaseMs;
    } finally {
      this.isRunning = false;
    }
  }

  /** Asks also for one who holds nothing: else its `expire` would be the first statement after an outage. */
  private async renew(): Promise<void> {
    await this.database.query(
      `UPDATE ${JOBS} AS job SET started_on = now() FROM unnest($2::uuid[], $3::int[]) AS mine (id, tried)
       WHERE job.name = $1 AND job.id = mine.id AND job.retry_count = mine.tried AND job.state = 'active'`,
      [QUEUE, [...this.held.keys()], [...this.held.values()]],
    );
  }
}
