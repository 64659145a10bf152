import { createGateMemory } from "../bytes/http/shared-gate.ts";
import { HUB_PREFIX } from "../checkpoint/hub/parse-location.ts";
import type { RemoteSettings } from "../checkpoint/remote-environment.ts";
import { WeightmarkError } from "../errors.ts";
import type { ReadingDepth } from "../fingerprint/fingerprint.ts";
import { openAnyCandidates } from "../registry/open-registry.ts";
import { describeKeyFile } from "../watermark/key/key-file.ts";
import { exposedKey } from "../watermark/key/secret-file.ts";
import { keyFilesIn } from "./context.ts";
import { describeInputs, type ScanInputs } from "./inputs.ts";
import type { ScanParameters } from "./parameters.ts";
import type { ScanSetup } from "./setup.ts";

/** What a user decides of a scan, beside what is scanned. */
export interface ScanSettings {
  /** Of the tool. */
  readonly version: string;
  /** Directory or database URL, or null to fingerprint only. */
  readonly registry: string | null;
  readonly keys: ScanSetup["keys"];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Directories that links may lead into. @default none */
  readonly allowLinks?: readonly string[] | undefined;
  readonly cacheDirectory: string | null;
  readonly depth: ReadingDepth;
  readonly maxBytes: number | null;
  readonly timeout: number | null;
  readonly remote: RemoteSettings;
  readonly deterministic: boolean;
}

/** A scan that can be started: what decides its results, and what this machine needs for it. */
export interface ScanPlan {
  readonly parameters: ScanParameters;
  readonly setup: ScanSetup;
  /** What deserves a look and stops nothing. */
  readonly warnings: readonly WeightmarkError[];
}

/**
 * Looks at registry and keys, so that what is wrong with them is told before anything is read.
 *
 * @throws REGISTRY_EMPTY, what opening the registry throws, KEY_FILE_*, FILE_NOT_FOUND
 */
export async function prepareScan(inputs: ScanInputs, settings: ScanSettings): Promise<ScanPlan> {
  const { include, exclude, depth, maxBytes, timeout, version, registry, keys, allowLinks = [], ...rest } = settings;
  const links = allowLinks.length === 0 ? {} : { allowLinks };
  const registryDigest = registry === null ? null : await digestOfRegistry(registry);
  const ids: string[] = [];
  const warnings: WeightmarkError[] = [];
  for (const path of keys === null ? [] : await keyFilesIn(keys.directory)) {
    const { id, sealed, exposed } = await describeKeyFile(path);
    ids.push(id);
    if (exposed) warnings.push(exposedKey(path, sealed));
  }
  if (keys !== null && ids.length === 0) {
    throw new WeightmarkError("FILE_NOT_FOUND", "no key lies in the directory of watermark keys", {
      file: keys.directory,
      detail: "Name the directory that the keys lie in, or make one with `generateKeyFile`.",
    });
  }
  return {
    parameters: {
      inputs: describeInputs(inputs),
      ...(mayNameHub(inputs) ? { hub: settings.remote.endpoint } : {}),
      include,
      exclude,
      ...links,
      depth,
      registry: registryDigest,
      keys: ids.sort(),
      maxBytes,
      timeout,
      version,
    },
    setup: {
      ...rest,
      ...links,
      version,
      registry,
      registryDigest,
      keys,
      depth,
      maxBytes,
      timeout,
      listedHere: true,
      gate: createGateMemory(),
    },
    warnings,
  };
}

/** What a list holds is not looked at. */
function mayNameHub({ locations, organisations, list }: ScanInputs): boolean {
  return organisations.length > 0 || list !== null || locations.some((location) => location.startsWith(HUB_PREFIX));
}

async function digestOfRegistry(location: string): Promise<string> {
  const registry = await openAnyCandidates(location);
  await registry.close();
  if (registry.entries > 0) return registry.digest;
  throw new WeightmarkError("REGISTRY_EMPTY", "no base is registered to identify against", {
    file: registry.location,
    detail: "Register the bases you know with `Registry.add` and `root`.",
  });
}
