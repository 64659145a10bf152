import { join } from "node:path";
import { WeightmarkError } from "../errors.ts";
import { registeredCodes } from "../fingerprint/layer-codes.ts";
import { readCodeFile } from "./code-file.ts";
import { storedDigests } from "./fingerprint-file.ts";
import { readJournal } from "./journal.ts";
import { look } from "./lock-file.ts";
import { packCodes } from "./packed-codes.ts";
import type { Registry, RegistryProblem } from "./registry.ts";

/** Loads every fingerprint, holds the cached codes against it, and looks for files that no entry names. */
export async function verifyFiles(registry: Registry, signal?: AbortSignal): Promise<RegistryProblem[]> {
  const problems: RegistryProblem[] = [];
  const entries = registry.list();
  const cached = await readCodeFile(
    registry.location,
    entries.map(({ digest }) => digest),
  );
  const registered = new Set<string>();
  for (const [place, { digest, name }] of entries.entries()) {
    signal?.throwIfAborted();
    registered.add(digest);
    const report = (code: string, message: string) => problems.push({ code, digest, name, message });
    try {
      const items = packCodes(registeredCodes(await registry.load(digest)));
      const found = cached.at(place);
      if (found === undefined) report("CODES_MISSING", "its layer codes are not cached; identification is slower");
      else if (Buffer.compare(found, items) !== 0) report("CODES_WRONG", "its cached layer codes are not its own");
    } catch (error) {
      if (!(error instanceof WeightmarkError)) throw error;
      report(error.code, error.message);
    }
  }
  for (const digest of await unnamed(registry.location, registered)) {
    const message = "a fingerprint file that no entry names";
    problems.push({ code: "UNREGISTERED_FILE", digest, name: null, message });
  }
  return problems;
}

/**
 * Digests of files that no entry names. While a lock is there none can be told from what a writer is at: one that runs names it
 * in a moment, and what one left that was killed goes with the next change.
 */
async function unnamed(directory: string, registered: ReadonlySet<string>): Promise<string[]> {
  const found = (await storedDigests(directory)).filter((digest) => !registered.has(digest));
  if (found.length === 0 || (await look(join(directory, "lock"))) !== null) return [];
  // Registered since the list was read, perhaps.
  const now = (await readJournal(directory))?.entries;
  return found.filter((digest) => !now?.has(digest));
}
