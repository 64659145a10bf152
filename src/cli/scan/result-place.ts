import type { WeightmarkError } from "../../index.ts";
import type { ResultStore, ScanItem, ScanProgress, ScanSummary, WorkEvent } from "../../scan/index.ts";
import type { ScanOptions } from "./options.ts";
import type { PreparedScan } from "./prepare.ts";

/** What a running scan tells of itself. */
export interface ScanHooks {
  readonly signal: AbortSignal;
  readonly onItem: (item: ScanItem) => Promise<void>;
  readonly onProgress: (progress: ScanProgress) => void;
  readonly onEvent: (event: WorkEvent) => void;
  readonly onTrouble: (error: WeightmarkError) => void;
}

/** Where the results of a scan are kept, and who does its work: this machine, or the workers of a database. */
export interface ResultPlace {
  readonly store: ResultStore;
  run(hooks: ScanHooks): Promise<ScanSummary>;
  close(): Promise<void>;
}

/**
 * Milliseconds that models being read have to end after a signal: what is lost of them is little, and --resume reads it again.
 */
const GRACE_MS = 500;

/** Throws SCAN_UNFINISHED, SCAN_DIFFERS, SCAN_JOURNAL_*, DATABASE_*. */
export async function openResultPlace(
  prepared: PreparedScan,
  options: ScanOptions,
  journal: string | null,
): Promise<ResultPlace> {
  const mode = options.restart ? "restart" : options.resume ? "resume" : "begin";
  return journal === null ? openShared(prepared, options.database!, mode) : openLocal(prepared, options, journal, mode);
}

type Mode = "begin" | "resume" | "restart";

async function openLocal(
  prepared: PreparedScan,
  options: ScanOptions,
  journal: string,
  mode: Mode,
): Promise<ResultPlace> {
  const { openJournal, scan } = await import("../../scan/index.ts");
  const { inputs, setup, remote, parameters } = prepared;
  const store = await openJournal(journal, parameters, { mode });
  return {
    store,
    run: (hooks) => scan(inputs, { store, setup, remote, threads: options.jobs, graceMs: GRACE_MS, ...hooks }),
    close: () => store.close(),
  };
}

async function openShared(prepared: PreparedScan, url: string, mode: Mode): Promise<ResultPlace> {
  const { openScanDatabase, sharedScan } = await import("../../scan/index.ts");
  const { inputs, setup, remote, parameters } = prepared;
  const database = await openScanDatabase(url);
  try {
    const store = await database.startScan(parameters, mode);
    const queue = await database.openQueue();
    const { deterministic } = setup;
    return {
      store,
      run: ({ onEvent: _, ...hooks }) =>
        sharedScan(inputs, { store, queue, scan: store.scan, remote, deterministic, ...hooks }),
      async close() {
        await queue.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
