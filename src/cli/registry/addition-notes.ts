import type { Fingerprint } from "../../index.ts";
import type { RegistryEntry, SharedParts } from "../../registry/index.ts";

/** What a user should know of a model that was just registered; names in it are raw. */
export async function additionNotes(
  fingerprint: Fingerprint,
  entry: RegistryEntry,
  { parts, containers, unread }: SharedParts,
): Promise<string[]> {
  const { adapterSummary } = await import("../../anatomy/adapter.ts");
  const { damageOf } = await import("../../lineage/damage.ts");
  const { testableParts } = await import("../../lineage/testable.ts");
  const testable = testableParts(fingerprint);
  const able = testable.filter((part) => part.testable);
  const elsewhere = new Set(entry.parts.map(({ component }) => component));
  const adapter = adapterSummary(fingerprint.tensors.map(({ name }) => name));
  const notes = [
    ...damageOf(entry.name, fingerprint),
    ...parts.map(
      ({ component, holder }) =>
        `its component ${component} holds the same weights as ${holder}: recorded as a part that comes from there, so no direction is claimed on its ground`,
    ),
  ];
  for (const name of containers) {
    notes.push(
      `${name} holds all of it: a copy, or a larger model; if that was built on this one, add it again with --part-of`,
    );
  }
  for (const name of unread) {
    notes.push(`parts shared with ${name} are not recorded: its stored fingerprint is damaged or gone`);
  }
  if (entry.root && able.length > 0 && able.every(({ component }) => elsewhere.has(component))) {
    notes.push(
      "every component that can be tested comes from other entries: no direction will be claimed on any ground",
    );
  }
  if (able.length === 0) {
    const why = testable.map(({ component, reason }) => `${component}: ${reason}`).join("; ");
    // Content pairs matrices across parts.
    const bodies = testable.filter(({ component }) => component !== "embeddings");
    const together = bodies.reduce((sum, { matrices }) => sum + matrices, 0) > 1;
    const what = together
      ? "no part of it can be tested by itself, so identify will name it for equal files, and for others only where matrices of several parts agree"
      : "nothing of it can be tested, so identify will name it for equal files only";
    notes.push(`${what}${why === "" ? "" : ` (${why})`}`);
  }
  if (adapter !== null) {
    const { tensors, ofTensors, kind } = adapter;
    notes.push(
      `${tensors} of ${ofTensors} tensors are those of an adapter (${kind}) and take no part: merge it into its base first`,
    );
  }
  return notes;
}
