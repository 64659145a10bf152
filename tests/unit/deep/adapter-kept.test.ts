import { beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise, rename } from "../../support/derive.ts";
import { loraAdapter } from "../../support/lora-adapter.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge, throughFile } from "../../support/stored-model.ts";

const DIMS = { width: 192, hidden: 64, layers: 3, vocabulary: 32 } as const;
const base = randomModel({ init: 1 }, DIMS);
const adapter = loraAdapter(base, 1);

async function stored(model: Model, few = false): Promise<Subject> {
  const fingerprint = await takeFingerprint(await checkpointOf(model), { depth: "deep", few });
  return { name: "stored", fingerprint: await throughFile(fingerprint), checkpoint: null, root: false };
}

const against = (suspect: Model | Subject, other: Model | Subject): Promise<CompareResult> =>
  judge(suspect, other, { monteCarlo: false, deep: true });

let kept: Subject;
beforeAll(async () => {
  kept = await stored(base);
});

describe("an adapter alone against a fingerprint", () => {
  test("of its own base and of a relative: derived, by an exact p, whichever comes first", async () => {
    const found = await against(adapter, kept);
    expect(found).toMatchObject({ verdict: "derived", relations: ["lora"], deep: { basis: "exact" } });
    expect(found.log10P).toBeLessThan(-9);
    expect(found.summary).toContain("or of a model that shares its labels (a relative of it)");
    const back = await against(kept, adapter);
    expect(back).toMatchObject({ verdict: "derived", log10P: found.log10P, tests: found.tests });
    expect((await against(adapter, await stored(addNoise(base, 0.2)))).verdict).toBe("derived");
  });

  test("loses little against its weights", async () => {
    const strengthOf = ({ tests }: CompareResult) => tests.find(({ axis }) => axis === "channels")!.r!;
    const [whole, part] = [await against(adapter, base), await against(adapter, kept)];
    expect(strengthOf(part)).toBeLessThan(strengthOf(whole));
    expect(strengthOf(part)).toBeGreaterThan(0.85 * strengthOf(whole));
  });

  test("of a stranger: no evidence", async () => {
    const found = await against(adapter, await stored(randomModel({ init: 2 }, DIMS)));
    expect(found).toMatchObject({ verdict: "no-evidence", deep: { basis: null } });
    expect(found.log10P).toBeGreaterThan(-3);
  });

  test("of a base whose dimensions stand in an order of their own: the stream is not tested", async () => {
    const smooth = new Map([...base].map(([name, t]) => [name, { ...t, values: smoothed(t.values, t.shape[1] ?? 1) }]));
    const { tests } = await against(loraAdapter(smooth, 6), await stored(smooth));
    expect(tests.some(({ axis }) => axis === "channels")).toBe(true);
    expect(tests.some(({ axis }) => axis === "residual")).toBe(false);
  });

  test.each<[string, () => Promise<Subject> | Subject, string]>([
    ["that keeps nothing of attention", () => stored(base, true), "keeps"],
    ["of another shape", () => stored(randomModel({ init: 1 }, { ...DIMS, width: 128 })), "other shapes or layers"],
    ["whose part is of another model", () => withPart(kept, 128), "too few labels"],
    ["whose part is of another stack", () => withStack(kept, "decoder.layers"), "keeps"],
  ])("%s: not testable", async (_, other, why) => {
    const found = await against(adapter, await other());
    expect(found.verdict).toBe("not-testable");
    expect(found.caveats.join()).toContain(why);
  });

  test("layers that were not kept are not tested", async () => {
    const last = new Map([...adapter].filter(([name]) => name.includes("layers.2.")));
    const { layers, ...rest } = kept.fingerprint.attention!;
    const fewer = { ...kept, fingerprint: { ...kept.fingerprint, attention: { ...rest, layers: layers.slice(0, 2) } } };
    expect((await against(last, fewer)).verdict).toBe("not-testable");
    expect((await against(last, kept)).tests.length).toBeGreaterThan(0);
  });

  test("names of whatever wraps the model", async () => {
    const bare = rename(adapter, (name) => name.replace("base_model.model.model.", ""));
    expect((await against(bare, kept)).verdict).toBe("derived");
  });
});

async function withPart(subject: Subject, width: number): Promise<Subject> {
  const { attention } = (await stored(randomModel({ init: 1 }, { ...DIMS, width }))).fingerprint;
  return { ...subject, fingerprint: { ...subject.fingerprint, attention } };
}

function withStack(subject: Subject, stack: string): Subject {
  return {
    ...subject,
    fingerprint: { ...subject.fingerprint, attention: { ...subject.fingerprint.attention!, stack } },
  };
}

/** Every column much like the one before it. */
function smoothed(from: Float32Array, cols: number): Float32Array {
  const values = from.slice();
  for (let i = 0; i < values.length; i++) if (i % cols > 0) values[i] = 0.9 * values[i - 1]! + 0.4 * values[i]!;
  return values;
}
