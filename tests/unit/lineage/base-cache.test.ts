import { expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { loadBase } from "../../../src/lineage/base-cache.ts";
import type { CandidateSource } from "../../../src/lineage/candidate-source.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

function source(of: (digest: string) => Fingerprint): { registry: CandidateSource; loads: string[] } {
  const loads: string[] = [];
  const registry: CandidateSource = {
    entries: 1,
    digest: "",
    updatedAt: null,
    candidates: async () => [],
    load: async (digest) => {
      loads.push(digest);
      return of(digest);
    },
  };
  return { registry, loads };
}

test("a base is loaded once, by each registry for itself", async () => {
  const one = source(() => randomFingerprint({ seed: 1 }));
  const other = source(() => randomFingerprint({ seed: 2 }));
  const first = await loadBase(one.registry, "a");
  expect(await loadBase(one.registry, "a")).toBe(first);
  expect(await loadBase(other.registry, "a")).not.toBe(first);
  expect([one.loads, other.loads]).toEqual([["a"], ["a"]]);
});

test("bases that were not met for long make room", async () => {
  const small = randomFingerprint({ seed: 1, layers: 1, roles: ["q"] });
  // As good as 50 MB, without the memory.
  const bits = { byteLength: 50 << 20 } as Uint32Array;
  const large = { ...small, sketches: small.sketches.map((s) => ({ ...s, bits })) };
  const { registry, loads } = source(() => large);
  for (const digest of ["a", "b", "a", "c", "a", "b"]) await loadBase(registry, digest);
  expect(loads).toEqual(["a", "b", "c", "b"]);
});

test.each(["deep", "attention"] as const)("what lies deep in the part %s takes its room", async (part) => {
  const small = randomFingerprint({ seed: 1, layers: 1, roles: ["q"] });
  // Memory that is never touched is none.
  const values = new Float32Array((50 << 20) / 4);
  const large = { ...small, [part]: { version: 1, kind: "a part", none: null, layers: [{ values }] } } as Fingerprint;
  const { registry, loads } = source(() => large);
  for (const digest of ["a", "b", "a", "c", "a", "b"]) await loadBase(registry, digest);
  expect(loads).toEqual(["a", "b", "c", "b"]);
});

test("what cannot be loaded is tried again", async () => {
  let broken = true;
  const { registry, loads } = source(() => {
    if (broken) throw new Error("gone");
    return randomFingerprint({ seed: 1 });
  });
  await expect(loadBase(registry, "a")).rejects.toThrow("gone");
  broken = false;
  await loadBase(registry, "a");
  expect(loads).toEqual(["a", "a"]);
});
