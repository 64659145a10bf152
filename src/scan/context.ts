import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hostGate } from "../bytes/http/shared-gate.ts";
import { fileError } from "../bytes/regular-file.ts";
import type { Remote } from "../checkpoint/remote.ts";
import { openRemote } from "../checkpoint/remote-environment.ts";
import { WeightmarkError } from "../errors.ts";
import { type OpenedCandidates, openAnyCandidates, openAnyIndexed } from "../registry/open-registry.ts";
import { readKeyFile } from "../watermark/key/key-file.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import { type FingerprintCache, openFingerprintCache } from "./cache/fingerprint-cache.ts";
import type { ScanSetup } from "./setup.ts";

/** What work on targets needs, opened: one of a thread. */
export interface ScanContext {
  readonly setup: ScanSetup;
  readonly registry: OpenedCandidates | null;
  readonly keys: readonly ModelKey[];
  readonly cache: FingerprintCache | null;
  /** Says what is worth saying and stops nothing. */
  readonly tell: (error: WeightmarkError) => void;
  /** How models elsewhere are reached; opened when the first of them comes. */
  remote(): Promise<Remote>;
  close(): Promise<void>;
}

/**
 * Opens what a setup names.
 *
 * @param onTrouble told what is worth saying once, and does not stop the scan
 * @throws SCAN_DIFFERS when the registry is no longer the one the scan began with; what opening registry and keys throws
 */
export async function openScanContext(
  setup: ScanSetup,
  onTrouble: (error: WeightmarkError) => void = () => {},
): Promise<ScanContext> {
  const { cacheDirectory, depth, version } = setup;
  const registry = await openCandidates(setup);
  if (registry !== null && setup.registryDigest !== null && registry.digest !== setup.registryDigest) {
    throw new WeightmarkError("SCAN_DIFFERS", "the registry has changed since the scan began", {
      file: registry.location,
      detail: "Begin anew with `restart`: all models of a scan are held against the same bases.",
    });
  }
  const keys = setup.keys === null ? [] : await readKeys(setup.keys.directory, setup.keys.passphrase);
  const { endpoint } = setup.remote;
  const cache =
    cacheDirectory === null
      ? null
      : openFingerprintCache({ directory: cacheDirectory, depth, version, endpoint, onTrouble });
  let remote: Promise<Remote> | null = null;
  return {
    setup,
    registry,
    keys,
    cache,
    tell: onTrouble,
    remote() {
      remote ??= openRemote(setup.remote, { gate: hostGate(setup.gate) });
      return remote;
    },
    async close() {
      await registry?.close();
      await (await remote?.catch(() => null))?.client.close();
    },
  };
}

async function openCandidates({ registry, registryIndex }: ScanSetup): Promise<OpenedCandidates | null> {
  if (registry === null) return null;
  return registryIndex === undefined ? openAnyCandidates(registry) : openAnyIndexed(registry, registryIndex);
}

/** Paths of the key files in a directory, in code-unit order. Throws FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function keyFilesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error) => {
    throw fileError(error, directory);
  });
  const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."));
  return names.map(({ name }) => join(directory, name)).sort();
}

async function readKeys(directory: string, passphrase: string | null): Promise<ModelKey[]> {
  const keys: ModelKey[] = [];
  // One after the other: opening a sealed key takes 128 MiB.
  for (const path of await keyFilesIn(directory)) keys.push(await readKeyFile(path, passphrase));
  return keys.sort((a, b) => (a.id < b.id ? -1 : 1));
}
