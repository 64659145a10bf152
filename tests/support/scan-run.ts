import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGateMemory } from "../../src/bytes/http/shared-gate.ts";
import { emptyItem } from "../../src/scan/failure.ts";
import type { ScanInputs } from "../../src/scan/inputs.ts";
import type { ScanItem } from "../../src/scan/item.ts";
import type { ScanSettings } from "../../src/scan/prepare.ts";
import type { ScanSetup } from "../../src/scan/setup.ts";
import type { ScanTarget } from "../../src/scan/target.ts";
import type { Workers } from "../../src/scan/workers.ts";

/** Settings of a scan that compares with nothing, looks for no mark, and asks nobody. */
export const SETTINGS: ScanSettings = {
  version: "0.0.0-test",
  registry: null,
  keys: null,
  include: [],
  exclude: [],
  cacheDirectory: null,
  depth: "sampled",
  maxBytes: null,
  timeout: null,
  remote: { endpoint: "http://127.0.0.1:9", token: null, hubCache: null, offline: true },
  deterministic: true,
};

/** A setup that names nothing and leaves out times. */
export function setupOf(more: Partial<ScanSetup> = {}): ScanSetup {
  const { include: _include, exclude: _exclude, ...common } = SETTINGS;
  return { ...common, registryDigest: null, gate: createGateMemory(), ...more };
}

export function inputsOf(...locations: string[]): ScanInputs {
  return { locations, organisations: [], list: null };
}

/** Directories that look like models; what is in their files is what they are called. */
export function modelTree(root: string, names: readonly string[]): string {
  for (const name of names) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, "model.safetensors"), name);
  }
  return root;
}

export interface FakeWorkers extends Workers {
  /** Ids of the targets that were begun, in that order. */
  readonly begun: string[];
  /** How many are being worked on, at most. */
  readonly most: number;
}

/** Workers that read nothing: an item says the name of its target, unless `answer` says something else. */
export function fakeWorkers(
  answer: (target: ScanTarget, signal: AbortSignal) => Promise<Partial<ScanItem>> | Partial<ScanItem> = () => ({}),
  concurrency = 4,
): FakeWorkers {
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  return {
    begun,
    get most() {
      return most;
    },
    concurrency,
    async process(target, signal) {
      begun.push(target.id);
      running += 1;
      most = Math.max(most, running);
      try {
        const more = await answer(target, signal);
        return { ...emptyItem(target), verdict: "no-evidence", summary: `about ${target.name}`, ...more };
      } finally {
        running -= 1;
      }
    },
    close: async () => {},
  };
}
