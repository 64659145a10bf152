import { createGateMemory } from "../../bytes/http/shared-gate.ts";
import type { RemoteSettings } from "../../checkpoint/remote-environment.ts";
import { WeightmarkError } from "../../errors.ts";
import { describeKeyFile } from "../../watermark/key/key-file.ts";
import { exposedKey } from "../../watermark/key/secret-file.ts";
import { keyFilesIn } from "../context.ts";
import type { ScanParameters } from "../parameters.ts";
import type { ResultStore } from "../result-store.ts";
import type { ScanSetup } from "../setup.ts";
import { openWorkers, type Workers } from "../workers.ts";

/** What a machine has to work with on the scans of others. Secrets stay here. */
export interface WorkerSettings {
  /** Of the tool. */
  readonly version: string;
  /** Directory or database URL. */
  readonly registry: string;
  readonly keys: ScanSetup["keys"];
  readonly cacheDirectory: string | null;
  readonly remote: RemoteSettings;
  readonly threads: number;
  readonly tasksPerThread: number;
  readonly gate?: SharedArrayBuffer | undefined;
}

/** A scan that this machine can work on. */
export interface OfferedScan {
  readonly store: ResultStore;
  readonly workers: Workers;
}

/** Why this machine cannot work on a scan; `gone` when nobody can any more. */
export interface DeclinedScan {
  readonly gone: boolean;
  readonly error: WeightmarkError;
}

type Known = { readonly at: number; readonly answer: Promise<OfferedScan | DeclinedScan> };

/** A registry may be brought up to date, keys may be added: milliseconds after which a declined scan is looked at again. */
const DECLINED_MS = 60_000;
/** Scans whose threads stay up; those of the one that was not asked for longest end first. */
const MAX_OPEN = 4;

/** Opens threads for the scans that jobs belong to, or says why they cannot be worked on here. */
export class OfferedScans {
  readonly #openScan: (scan: string) => Promise<ResultStore | null>;
  readonly #settings: WorkerSettings;
  readonly #onTrouble: (error: WeightmarkError) => void;
  readonly #known = new Map<string, Known>();
  readonly #busy = new Map<string, number>();

  constructor(
    openScan: (scan: string) => Promise<ResultStore | null>,
    settings: WorkerSettings,
    onTrouble: (error: WeightmarkError) => void,
  ) {
    this.#openScan = openScan;
    this.#settings = { ...settings, gate: settings.gate ?? createGateMemory() };
    this.#onTrouble = onTrouble;
  }

  /** @throws what passes, such as DATABASE_UNREACHABLE */
  async get(scan: string): Promise<OfferedScan | DeclinedScan> {
    const known = this.#known.get(scan);
    if (known !== undefined) {
      const answer = await known.answer;
      if ("workers" in answer || performance.now() - known.at < DECLINED_MS) {
        // Last used, last in the map.
        this.#known.delete(scan);
        this.#known.set(scan, known);
        return answer;
      }
    }
    const answer = this.#open(scan);
    this.#known.set(scan, { at: performance.now(), answer });
    // What passes is no answer.
    answer.catch(() => this.#known.delete(scan));
    await answer.catch(() => undefined);
    await this.#closeIdle();
    return answer;
  }

  /** Takes back an offer that turned out to be none. */
  decline(scan: string, error: WeightmarkError): DeclinedScan {
    const before = this.#known.get(scan);
    const declined = { gone: false, error };
    this.#known.set(scan, { at: performance.now(), answer: Promise.resolve(declined) });
    void before?.answer.then((answer) => ("workers" in answer ? answer.workers.close() : undefined));
    return declined;
  }

  /** Scans that were looked at. */
  offered(): string[] {
    return [...this.#known.keys()];
  }

  /** Keeps the threads of a scan up while `work` uses them. */
  async during<T>(scan: string, work: () => Promise<T>): Promise<T> {
    this.#busy.set(scan, (this.#busy.get(scan) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = this.#busy.get(scan)! - 1;
      if (left === 0) this.#busy.delete(scan);
      else this.#busy.set(scan, left);
    }
  }

  async close(): Promise<void> {
    for (const scan of [...this.#known.keys()]) await this.#close(scan);
  }

  async #open(scan: string): Promise<OfferedScan | DeclinedScan> {
    try {
      const store = await this.#openScan(scan);
      if (store === null || store.complete) {
        const error = new WeightmarkError("SCAN_DIFFERS", "the scan of the job is over, or was removed", {
          detail: "Nothing is left to do for it; begin the scan anew if its results are wanted.",
        });
        return { gone: true, error };
      }
      const setup = await this.#setupFor(store.parameters);
      const { threads, tasksPerThread } = this.#settings;
      return { store, workers: await openWorkers(setup, { threads, tasksPerThread, onTrouble: this.#onTrouble }) };
    } catch (error) {
      if (!(error instanceof WeightmarkError) || error.kind === "passing") throw error;
      return { gone: false, error };
    }
  }

  /** Throws SCAN_DIFFERS where results would not be those that the scan was started for. */
  async #setupFor(parameters: ScanParameters): Promise<ScanSetup> {
    const { version, registry, keys, cacheDirectory, remote, gate } = this.#settings;
    const differs = (what: string, detail: string) => new WeightmarkError("SCAN_DIFFERS", what, { detail });
    if (parameters.version !== version) {
      throw differs(
        `the scan was started by weightmark ${parameters.version}, this is ${version}`,
        "Run the same version everywhere, or start the scan anew.",
      );
    }
    if (parameters.hub !== undefined && parameters.hub !== remote.endpoint) {
      throw differs(
        `the scan is of the Hub at ${parameters.hub}, this machine's is ${remote.endpoint}`,
        "Give this worker the same HF_ENDPOINT: one name is another model elsewhere.",
      );
    }
    const held: string[] = [];
    for (const path of keys === null ? [] : await keyFilesIn(keys.directory)) {
      const { id, sealed, exposed } = await describeKeyFile(path);
      held.push(id);
      if (exposed) this.#onTrouble(exposedKey(path, sealed));
    }
    if (parameters.keys.length > 0 && JSON.stringify(held.sort()) !== JSON.stringify(parameters.keys)) {
      throw differs(
        `the scan checks the watermark keys ${parameters.keys.join(", ")}, here are ${held.join(", ") || "none"}`,
        "Give this worker the same `keys`.",
      );
    }
    return {
      version,
      registry: parameters.registry === null ? null : registry,
      registryDigest: parameters.registry,
      keys: parameters.keys.length === 0 ? null : keys,
      cacheDirectory,
      allowLinks: parameters.allowLinks,
      depth: parameters.depth,
      maxBytes: parameters.maxBytes,
      timeout: parameters.timeout,
      remote,
      deterministic: false,
      gate: gate!,
    };
  }

  async #closeIdle(): Promise<void> {
    const idle = [...this.#known.keys()].filter((scan) => !this.#busy.has(scan));
    for (const scan of idle.slice(0, Math.max(0, this.#known.size - MAX_OPEN))) await this.#close(scan);
  }

  async #close(scan: string): Promise<void> {
    const answer = await this.#known.get(scan)?.answer.catch(() => null);
    this.#known.delete(scan);
    if (answer && "workers" in answer) await answer.workers.close();
  }
}
