import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { WeightmarkError } from "../errors.ts";
import { layerCodes } from "../fingerprint/codes.ts";
import { readCodeFile } from "./code-file.ts";
import { isDigest } from "./names.ts";
import { packCodes } from "./packed-codes.ts";
import type { Registry, RegistryProblem } from "./registry.ts";

/** Loads every fingerprint, holds the cached codes against it, and looks for files that no entry names. */
export async function verifyFiles(registry: Registry): Promise<RegistryProblem[]> {
  const problems: RegistryProblem[] = [];
  const entries = registry.list();
  const cached = await readCodeFile(
    registry.location,
    entries.map(({ digest }) => digest),
  );
  const registered = new Set<string>();
  for (const [place, { digest, name }] of entries.entries()) {
    registered.add(digest);
    const report = (code: string, message: string) => problems.push({ code, digest, name, message });
    try {
      const items = packCodes(layerCodes(await registry.load(digest)));
      const found = cached.at(place);
      if (found === undefined) report("CODES_MISSING", "its layer codes are not cached; identification is slower");
      else if (Buffer.compare(found, items) !== 0) report("CODES_WRONG", "its cached layer codes are not its own");
    } catch (error) {
      if (!(error instanceof WeightmarkError)) throw error;
      report(error.code, error.message);
    }
  }
  for (const file of await readdir(join(registry.location, "fingerprints")).catch(() => [])) {
    const digest = file.slice(0, 64);
    if (file !== `${digest}.safetensors` || !isDigest(digest) || registered.has(digest)) continue;
    const message = "a fingerprint file that no entry names";
    problems.push({ code: "UNREGISTERED_FILE", digest, name: null, message });
  }
  return problems;
}
