/**
 * Requests that may still be sent to a host, shared by everybody who sends some: connections of one process, and through
 * shared memory the worker threads of a scan. Hubs count requests, not bytes.
 */
export interface HostGate {
  /**
   * Waits for a turn. `bucket` is the origin and what its limits tell apart, such as "https://huggingface.co api".
   *
   * @param latest when waiting has no use any more (milliseconds since 1970)
   * @returns false, as soon as it is known, when the turn would come later than that
   */
  enter(bucket: string, signal?: AbortSignal, latest?: number): Promise<boolean>;
  /** When the bucket will let somebody in again (milliseconds since 1970), or 0 when it does now. */
  opensAt(bucket: string): number;
  /** No more requests of the bucket before `until` (milliseconds since 1970): a 429, or a window that is used up. */
  close(bucket: string, until: number): void;
  /** What the RateLimit headers said: `remaining` requests until `resetAt` (milliseconds since 1970). */
  observe(bucket: string, remaining: number, resetAt: number): void;
}
