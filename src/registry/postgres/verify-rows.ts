import { WeightmarkError } from "../../errors.ts";
import { registeredCodes } from "../../fingerprint/layer-codes.ts";
import { packCodes } from "../packed-codes.ts";
import type { Registry, RegistryProblem } from "../registry.ts";
import type { Connection } from "./connect.ts";
import { readCodes } from "./registry-rows.ts";

/** Loads every fingerprint and holds the stored codes against it. Constraints of the tables see to the rest. */
export async function verifyRows(registry: Registry, on: Connection, signal?: AbortSignal): Promise<RegistryProblem[]> {
  const problems: RegistryProblem[] = [];
  for (const { digest, name } of registry.list()) {
    signal?.throwIfAborted();
    const report = (code: string, message: string) => problems.push({ code, digest, name, message });
    try {
      const items = packCodes(registeredCodes(await registry.load(digest)));
      const found = await readCodes(on, digest);
      if (found === null) report("REGISTRY_ENTRY_MISSING", "its row is gone");
      else if (Buffer.compare(found, items) !== 0) report("CODES_WRONG", "its stored layer codes are not its own");
    } catch (error) {
      if (!(error instanceof WeightmarkError) || error.code.startsWith("DATABASE_")) throw error;
      report(error.code, error.message);
    }
  }
  return problems;
}
