import { resolve } from "node:path";
import { adapterAndBase } from "../../checkpoint/adapter/pair-location.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import type { Remote } from "../../index.ts";
import type { ScanInputs, ScanParameters, ScanSetup } from "../../scan/index.ts";
import { linksOf } from "../local-models.ts";
import { isAddress, settingsOf } from "../remote.ts";
import { toolVersion } from "../version.ts";
import { passphraseOf, type Warn } from "../watermark-key.ts";
import type { ScanOptions } from "./options.ts";

/** A scan that could begin: everything named was looked at, and no model was. */
export interface PreparedScan {
  readonly inputs: ScanInputs;
  readonly parameters: ScanParameters;
  readonly setup: ScanSetup;
  readonly remote: Remote;
  /** Where the registry lies, without a password; null when models are held against none. */
  readonly registry: string | null;
  /** What deserves a look and stops nothing. */
  readonly warnings: readonly WeightmarkError[];
  close(): Promise<void>;
}

/** Throws what opening registry, keys and list throws; USAGE when nothing is named. */
export async function prepare(roots: readonly string[], options: ScanOptions): Promise<PreparedScan> {
  const { hostGate } = await import("../../bytes/http/shared-gate.ts");
  const { openRemote } = await import("../../index.ts");
  const { isDatabaseUrl, redactUrl } = await import("../../registry/index.ts");
  const { defaultCacheDirectory } = await import("../../scan/index.ts");
  const inputs = await openInputs(roots, options);
  try {
    const { depth = "sampled", maxBytes = null, timeout = null, include, exclude, deterministic = false } = options;
    const warnings: WeightmarkError[] = [];
    const plan = await planOf(options, inputs, {
      version: toolVersion(),
      keys: await keysOf(options, (warning) => warnings.push(warning)),
      include,
      exclude,
      allowLinks: await allowedLinks(options),
      // Workers that share a scan have caches of their own.
      cacheDirectory:
        options.cache === false || options.database !== undefined
          ? null
          : (options.cacheDir ?? defaultCacheDirectory()),
      depth,
      maxBytes,
      timeout,
      remote: await settingsOf(options),
      deterministic,
    });
    const { parameters, setup } = plan;
    warnings.push(...plan.warnings);
    const remote = await openRemote(setup.remote, { gate: hostGate(setup.gate) });
    const close = async () => {
      await remote.client.close();
      await inputs.list?.close();
    };
    const { registry } = setup;
    const shown = registry !== null && isDatabaseUrl(registry) ? redactUrl(registry) : registry;
    return { inputs, parameters, setup, remote, registry: shown, warnings, close };
  } catch (error) {
    await inputs.list?.close();
    throw error;
  }
}

/** What is to be scanned. Close the list. */
export async function openInputs(roots: readonly string[], options: ScanOptions): Promise<ScanInputs> {
  if (roots.length === 0 && options.hubOrg.length === 0 && options.list === undefined) {
    throw new WeightmarkError("USAGE", "nothing to scan is named", {
      detail: "Name directories, hf:org/name or addresses; an organisation with --hub-org; or a list with --list.",
    });
  }
  const list = options.list === undefined ? null : await openList(options.list);
  // Workers are started elsewhere: what is relative means nothing to them.
  const isShared = options.database !== undefined;
  const isPath = (root: string) => !isAddress(root) && !/^[a-z][a-z0-9+.-]+:\/\//i.test(root);
  const absolute = (root: string): string => {
    const pair = adapterAndBase(root);
    if (pair !== null) return `${absolute(pair.adapter)}+${absolute(pair.base)}`;
    return isPath(root) ? resolve(root) : root;
  };
  const locations = isShared ? roots.map(absolute) : roots;
  return { locations, organisations: options.hubOrg, list };
}

/** The directories that links may lead into, named for anyone who works on the scan. */
export async function allowedLinks(options: ScanOptions): Promise<readonly string[]> {
  const directories = await linksOf(options);
  return options.database === undefined ? directories : directories.map((directory) => resolve(directory));
}

/** "-" is standard input, as everywhere. */
async function openList(list: string) {
  const { openScanList } = await import("../../scan/index.ts");
  return list === "-" ? openScanList(process.stdin, "standard input") : openScanList(list, list);
}

/** How it is told that nobody has registered anything yet. */
const NO_BASES: ReadonlySet<ErrorCode> = new Set(["REGISTRY_EMPTY", "REGISTRY_NOT_FOUND", "NO_HOME_DIRECTORY"]);

type Settings = Parameters<typeof import("../../scan/index.ts").prepareScan>[1];

/**
 * Looks at registry and keys. A registry that was not named may be empty, or not be there at all: then somebody who has
 * watermark keys holds models against these alone.
 */
async function planOf(options: ScanOptions, inputs: ScanInputs, settings: Omit<Settings, "registry">) {
  const { defaultRegistryDirectory } = await import("../../registry/index.ts");
  const { prepareScan } = await import("../../scan/index.ts");
  // Workers on other machines reach the database, not the directories of this one.
  let registry = options.registry ?? options.database;
  try {
    registry ??= defaultRegistryDirectory();
    return await prepareScan(inputs, { ...settings, registry });
  } catch (error) {
    if (options.registry !== undefined || !(error instanceof WeightmarkError) || !NO_BASES.has(error.code)) throw error;
    if (settings.keys !== null) return prepareScan(inputs, { ...settings, registry: null });
    if (error.code === "NO_HOME_DIRECTORY") throw error;
    throw new WeightmarkError("REGISTRY_EMPTY", "no base is registered to hold models against", {
      file: options.database === undefined ? registry : "the database",
      detail: "Register the bases you know with `weightmark registry add MODEL --root`, or name a --registry.",
    });
  }
}

async function keysOf(
  { watermarkKeys: directory, passphraseFile }: ScanOptions,
  warn: Warn,
): Promise<ScanSetup["keys"]> {
  if (directory === undefined) return null;
  return { directory, passphrase: await passphraseOf(passphraseFile, "WEIGHTMARK_PASSPHRASE", warn) };
}
