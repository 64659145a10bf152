import { describe, expect, it } from "vitest";
import { corpusOf } from "../../benchmarks/fuzz/corpus.mjs";
import { outcomeOf } from "../../benchmarks/fuzz/outcome.mjs";
import { Random } from "../../benchmarks/fuzz/random.mjs";
import { loadTarget, TARGETS } from "../../benchmarks/fuzz/targets.mjs";

/** Of every target: what `npm run fuzz` once found, or what is of such a kind. */
describe.each([...TARGETS.keys()])("%s", (name) => {
  const corpus = corpusOf(name);

  it("has a corpus of small files, of which some say something", async () => {
    expect(corpus.length).toBeGreaterThan(0);
    for (const { bytes } of corpus) expect(bytes.length).toBeLessThanOrEqual(100_000);
    const target = await loadTarget(name);
    // One after the other: some lie in a file while they are read.
    const kinds = new Set<string>();
    for (const { bytes } of corpus) kinds.add((await outcomeOf(target, bytes)).kind);
    expect(kinds.has("accepted") || kinds.has("refused")).toBe(true);
  });

  it.each(corpus.map((input) => [input.name, input.bytes] as const))("%s is no find", async (_, bytes) => {
    const target = await loadTarget(name);
    expect(await outcomeOf(target, bytes)).not.toMatchObject({ kind: "find" });
  });

  it("makes the same input of the same seed, and others of others", async () => {
    const target = await loadTarget(name);
    const made = async (seed: string) => Buffer.from(await target.make(new Random(seed))).toString("hex");
    const seeds = ["1", "2", "3", "4"];
    const inputs = await Promise.all(seeds.map(made));
    expect(await Promise.all(seeds.map(made))).toEqual(inputs);
    expect(new Set(inputs).size).toBeGreaterThan(1);
  });
});
