import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { serializeFingerprint } from "../../src/fingerprint/file.ts";
import { digestOf } from "../../src/registry/digest.ts";
import { openRegistry } from "../../src/registry/file-registry.ts";
import { randomFingerprint } from "../support/random-fingerprint.ts";

const models = [1, 2, 3].map((seed) => {
  const fingerprint = randomFingerprint({ seed, layers: 1, roles: ["q"] });
  return { fingerprint, digest: digestOf(serializeFingerprint(fingerprint)) };
});
const name = fc.constantFrom("a", "b", "__proto__", "../c");
const step = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    model: fc.nat(models.length - 1),
    name,
    root: fc.option(fc.boolean(), { nil: undefined }),
    replace: fc.boolean(),
  }),
  fc.record({ do: fc.constant("remove" as const), name }),
  fc.record({ do: fc.constant("reopen" as const) }),
);
type Known = { name: string; root: boolean };

/** The rules, on a Map: what an addition leaves, or null where it is refused. */
function addTo(
  known: Map<string, Known>,
  digest: string,
  wanted: { name: string; root: boolean | undefined; replace: boolean },
) {
  const same = known.get(digest);
  const root = wanted.root ?? same?.root ?? false;
  if (same?.name === wanted.name && same.root === root) return known;
  const namesake = [...known].find(([other, entry]) => entry.name === wanted.name && other !== digest);
  if (!wanted.replace && (same !== undefined || namesake !== undefined)) return null;
  const next = new Map(known);
  if (namesake !== undefined) next.delete(namesake[0]);
  return next.set(digest, { name: wanted.name, root });
}

it("a registry is the map that its changes make, whatever their order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
      const directory = mkdtempSync(join(tmpdir(), "weightmark-registry-"));
      try {
        let registry = await openRegistry(directory, { create: true, clock: () => null });
        let known = new Map<string, Known>();
        for (const action of steps) {
          if (action.do === "reopen") registry = await openRegistry(directory, { create: true, clock: () => null });
          else if (action.do === "remove") {
            const found = [...known].find(([, entry]) => entry.name === action.name);
            const removal = registry.remove(action.name);
            if (found === undefined) await expect(removal).rejects.toMatchObject({ code: "REGISTRY_ENTRY_UNKNOWN" });
            else {
              await removal;
              known.delete(found[0]);
            }
          } else {
            const { fingerprint, digest } = models[action.model]!;
            const next = addTo(known, digest, action);
            const addition = registry.add(fingerprint, action);
            if (next === null) await expect(addition).rejects.toMatchObject({ code: "REGISTRY_CONFLICT" });
            else {
              await addition;
              known = next;
            }
          }
          const listed = registry
            .list()
            .map((entry) => [entry.digest, { name: entry.name, root: entry.root }] as const);
          expect(new Map(listed)).toEqual(known);
        }
        expect(await registry.verify()).toEqual([]);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});
