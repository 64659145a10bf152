import { type ErrorCode, WeightmarkError } from "../errors.ts";
import type { OpenedCandidates } from "../registry/index.ts";
import type { Session } from "./session.ts";

/** How it is told that there is no registry in the default place. */
const NO_DEFAULT: ReadonlySet<ErrorCode> = new Set(["REGISTRY_NOT_FOUND", "NO_HOME_DIRECTORY"]);

/**
 * The registered bases that a mark is held against before it is made; null where there is no registry in the default place, or
 * nothing in it, which the log then says. Close it.
 *
 * @param directory of the registry, or its database URL; undefined for the default
 * @throws what opening the registry throws
 */
export async function openPublicBases(
  directory: string | undefined,
  session: Session,
): Promise<OpenedCandidates | null> {
  const { defaultRegistryDirectory, openAnyCandidates } = await import("../registry/index.ts");
  const open = async () => openAnyCandidates(directory ?? defaultRegistryDirectory());
  const registry = await open().catch((error) => {
    if (directory === undefined && error instanceof WeightmarkError && NO_DEFAULT.has(error.code)) return null;
    throw error;
  });
  if (registry !== null && registry.entries > 0) return registry;
  session.log("no base is registered: whether a public one is involved was not looked at");
  await registry?.close();
  return null;
}
