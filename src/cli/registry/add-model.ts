import { WeightmarkError } from "../../errors.ts";
import type { Fingerprint } from "../../index.ts";
import type { AddOptions, AddOutcome, Part, Registry, SharedParts } from "../../registry/index.ts";
import { additionNotes } from "./addition-notes.ts";

/** One --part-of: a component of the model, and a registered entry. */
export interface NamedPart {
  readonly component: string;
  readonly entry: string;
}

/** Collects what --part-of says, each time it is said. */
export function namedPart(text: string, before: readonly NamedPart[] = []): NamedPart[] {
  const at = text.indexOf("=");
  const [component, entry] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || entry === "") {
    throw new WeightmarkError("USAGE", "--part-of names a component and a registered entry: COMPONENT=ENTRY");
  }
  return [...before, { component, entry }];
}

/**
 * Registers a model with the parts that the user names and those that its content shows.
 *
 * @throws COMPONENT_UNKNOWN, REGISTRY_ENTRY_UNKNOWN, USAGE, what `registry.add` throws
 */
export async function addModel(
  registry: Registry,
  fingerprint: Fingerprint,
  options: AddOptions & { readonly partOf: readonly NamedPart[] },
): Promise<{ readonly outcome: AddOutcome; readonly notes: readonly string[] }> {
  const { serializeFingerprint } = await import("../../index.ts");
  const { digestOf } = await import("../../registry/digest.ts");
  const { findSharedParts } = await import("../../registry/index.ts");
  const { partOf, ...rest } = options;
  const digest = digestOf(serializeFingerprint(fingerprint));
  const named = await namedParts(registry, fingerprint, digest, partOf);
  const known = registry.list().find((entry) => entry.digest === digest)?.parts ?? [];
  const shared = await findSharedParts(registry, fingerprint, { digest, name: options.name });
  // What somebody said of a component stands, whatever else holds the same.
  const said = new Set([...known, ...named].map(({ component }) => component));
  const found: SharedParts["parts"] = shared.parts.filter(({ component }) => !said.has(component));
  const parts = [...named, ...found.map(({ component, of }) => ({ component, of }))];
  const outcome = await registry.add(fingerprint, { ...rest, parts });
  const notes = await additionNotes(fingerprint, outcome.entry, { ...shared, parts: found });
  return { outcome, notes };
}

async function namedParts(
  registry: Registry,
  fingerprint: Fingerprint,
  digest: string,
  partOf: readonly NamedPart[],
): Promise<Part[]> {
  const { namedComponent } = await import("../../lineage/named-component.ts");
  const parts = new Map<string, string>();
  for (const { component: text, entry } of partOf) {
    const component = namedComponent(fingerprint, text);
    const of = registry.find(entry).digest;
    if (of === digest) throw new WeightmarkError("USAGE", "a part of a model cannot come from that model itself");
    if ((parts.get(component) ?? of) !== of) {
      throw new WeightmarkError("USAGE", `--part-of says of ${component} that it comes from two entries`);
    }
    parts.set(component, of);
  }
  return [...parts].map(([component, of]) => ({ component, of }));
}
