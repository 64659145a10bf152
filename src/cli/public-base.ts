import { type ErrorCode, WeightmarkError } from "../errors.ts";
import type { LinkOptions } from "./local-models.ts";
import type { Session } from "./session.ts";
import { openSubject } from "./subject.ts";

/** Verdicts under which a base, once subtracted, leaves little but the mark; and how messages call them. */
const RELATION: ReadonlyMap<string, string> = new Map([
  ["identical", "equal to"],
  ["recast", "a rounded copy of"],
  ["derived", "related to"],
]);

/** How it is told that there is no registry in the default place. */
const NO_DEFAULT: ReadonlySet<ErrorCode> = new Set(["REGISTRY_NOT_FOUND", "NO_HOME_DIRECTORY"]);

/**
 * Refuses what a registered base shows to be public in the main: such a mark is found by subtracting the base. Without a
 * registry in the default place there is nothing to ask, and the log says so.
 *
 * @param options `registry`: directory or database URL; undefined for the default
 * @throws PUBLIC_BASE; what opening the registry and the model throws
 */
export async function requireNoPublicBase(
  path: string,
  options: LinkOptions & { readonly registry?: string },
  session: Session,
): Promise<void> {
  const { registry: directory, allowLinks } = options;
  const { defaultRegistryDirectory, identify, openAnyCandidates } = await import("../index.ts");
  const open = async () => openAnyCandidates(directory ?? defaultRegistryDirectory());
  const registry = await open().catch((error) => {
    if (directory === undefined && error instanceof WeightmarkError && NO_DEFAULT.has(error.code)) return null;
    throw error;
  });
  if (registry === null || registry.entries === 0) {
    session.log("no base is registered: whether a public one is involved was not looked at");
    await registry?.close();
    return;
  }
  const suspect = await openSubject(path, allowLinks === undefined ? {} : { allowLinks }, session);
  try {
    const { verdict, candidates } = await identify(suspect.subject, registry);
    const [best] = candidates;
    const relation = RELATION.get(verdict);
    if (best === undefined || relation === undefined) return;
    throw new WeightmarkError("PUBLIC_BASE", `the model is ${relation} the registered base ${best.name}`, {
      file: path,
      detail: "Mark the difference with --base MODEL; or say --unpublished if the base's weights were never public.",
    });
  } finally {
    await suspect.close();
    await registry.close();
  }
}
