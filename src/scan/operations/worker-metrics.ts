import type { ScanItem } from "../item.ts";
import { Metrics } from "./prometheus.ts";
import type { WorkerEvent } from "./worker-event.ts";

const STATUSES = ["done", "duplicate", "skipped", "failed"] as const;
const REQUESTS = ["api", "resolve", "storage"] as const;
/** Seconds, from a cached fingerprint to a model read in full over a slow network. */
const DURATIONS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

export interface WorkerState {
  readonly version: string;
  /** Waiting jobs of all scans at the last look, or null before it. */
  queueWaiting(): number | null;
  /** Milliseconds until servers that asked to wait take requests again. */
  rateLimitWaitMs(): number;
  draining(): boolean;
}

/** What a worker tells Prometheus. */
export interface WorkerMetrics {
  /** Exposition text. */
  text(): string;
  onEvent(event: WorkerEvent): void;
}

export function workerMetrics(state: WorkerState): WorkerMetrics {
  const metrics = new Metrics();
  const counted = (name: string, values: readonly string[]) => values.map((value) => ({ [name]: value }));
  const items = metrics.counter(
    "weightmark_items_total",
    "Models with a result, by what came of them.",
    counted("status", STATUSES),
  );
  const verdicts = metrics.counter("weightmark_verdicts_total", "Models held against the registry, by verdict.", []);
  const bytes = metrics.counter("weightmark_bytes_read_total", "Bytes read of models.");
  const requests = metrics.counter(
    "weightmark_http_requests_total",
    "HTTP requests for models, by what limits of a Hub tell apart.",
    counted("class", REQUESTS),
  );
  const released = metrics.counter("weightmark_jobs_released_total", "Jobs given back undone.");
  const retried = metrics.counter("weightmark_jobs_retried_total", "Jobs put off after a passing failure.");
  const declined = metrics.counter("weightmark_scans_declined_total", "Scans that this machine cannot work on.");
  const trouble = metrics.counter(
    "weightmark_trouble_total",
    "Things that failed and are tried again, such as the database.",
  );
  let active = 0;
  metrics.gauge("weightmark_jobs_active", "Jobs being worked on.", () => active);
  metrics.gauge("weightmark_queue_waiting", "Jobs that nobody has taken; NaN while unknown.", () => {
    return state.queueWaiting() ?? Number.NaN;
  });
  metrics.gauge("weightmark_rate_limit_wait_seconds", "Seconds until servers that asked to wait are asked again.", () =>
    Math.max(0, state.rateLimitWaitMs() / 1000),
  );
  const durations = metrics.histogram("weightmark_item_duration_seconds", "Time of work on one model.", DURATIONS);
  metrics.gauge("weightmark_draining", "1 when no more jobs are taken.", () => (state.draining() ? 1 : 0));
  metrics.gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  const started = Date.now() / 1000 - process.uptime();
  metrics.gauge("process_start_time_seconds", "Start of the process since 1970.", () => Math.round(started));
  const build = { version: state.version, node: process.version };
  metrics.gauge("weightmark_build_info", "Versions; the value is 1.", () => 1, build);

  function count(item: ScanItem): void {
    items.add(1, { status: item.status });
    if (item.verdict !== null) verdicts.add(1, { verdict: item.verdict });
    bytes.add(item.bytesRead);
    for (const kind of REQUESTS) requests.add(item.requests[kind], { class: kind });
    if (item.elapsedMs !== null) durations.observe(item.elapsedMs / 1000);
  }

  return {
    text: () => metrics.text(),
    onEvent(event) {
      if (event.type === "taken") active += 1;
      if (event.type === "trouble") trouble.add(1);
      if (event.type === "declined") declined.add(1);
      if (event.type !== "item" && event.type !== "released") return;
      active -= 1;
      if (event.type === "released") released.add(1);
      else if (event.again) retried.add(1);
      else count(event.item);
    },
  };
}
