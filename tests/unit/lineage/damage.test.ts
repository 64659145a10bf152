import { beforeAll, describe, expect, it } from "vitest";
import { unfinishedNote } from "../../../src/checkpoint/unfinished.ts";
import { additionNotes } from "../../../src/cli/registry/addition-notes.ts";
import { damageOf } from "../../../src/lineage/damage.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import type { RegistryEntry } from "../../../src/registry/registry.ts";
import { mapMatrices, prune } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const model = randomModel({ init: 1 });
const names = [...model].filter(([, { shape }]) => shape.length === 2).map(([name]) => name);
let base: Subject;

beforeAll(async () => {
  base = await subjectOf(model, { name: "base" });
});

/** The model with every matrix but some first ones filled with one value, as a download leaves it that is broken off. */
function lost(whole: number, value: number): Model {
  const kept = new Set(names.slice(0, whole));
  return mapMatrices(model, (values, _, name) => (kept.has(name) ? values : values.map(() => value)));
}

const damage = ({ name, fingerprint }: Subject) => damageOf(name, fingerprint);

describe("a model that was fetched in part", () => {
  /** So few that the middle one of all is lost. */
  const half = Math.ceil(0.4 * names.length);

  it("is said to be so, whichever side it is on, and not to be pruned", async () => {
    const suspect = await subjectOf(lost(half, 0), { name: "half" });
    const caveat = `of the ${names.length} matrices of half that were sampled ${names.length - half} are all zero: perhaps a download that is not complete`;
    for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
      expect(result.caveats[0]).toBe(caveat);
      expect(result.relations).not.toContain("pruned");
    }
    // Held against itself it is told once.
    const same = await judge(suspect, { ...suspect, name: "again" });
    expect(same.verdict).toBe("identical");
    expect(same.caveats.filter((one) => one.includes("all zero"))).toEqual([caveat]);
  });

  it("is told from one that was pruned", async () => {
    const pruned = await subjectOf(prune(model, 0.5), { name: "pruned" });
    expect((await judge(pruned, base)).relations).toContain("pruned");
    expect([...damage(pruned), ...damage(base)]).toEqual([]);
    // Pruned first, and broken off on its way then.
    const both = await subjectOf(
      mapMatrices(prune(model, 0.5), (values, _, name) => (names.indexOf(name) < half ? values : values.map(() => 0))),
    );
    expect((await judge(both, base)).relations).toContain("pruned");
  });

  it("may hold what is no number, or zeros in pieces", async () => {
    expect(damage(await subjectOf(lost(names.length - 1, Number.NaN), { name: "m" }))).toEqual([
      `of the ${names.length} matrices of m that were sampled 1 holds no number: perhaps damaged, or saved after training had failed`,
    ]);
    const [first] = names.filter((name) => name.includes("layers"));
    const pieces = mapMatrices(model, (values, _, name) =>
      name === first ? values.map((x, i) => (i < values.length / 2 ? x : 0)) : values,
    );
    expect(damage(await subjectOf(pieces, { name: "m" }))).toEqual([
      `of the ${names.length} matrices of m that were sampled 1 is zero in part: perhaps a download that is not complete`,
    ]);
  });

  it("is said to be so where nothing is found, and where there is nothing to be held against", async () => {
    const registry = await openRegistry(temporaryDirectory(), { create: true });
    const suspect = await subjectOf(lost(1, 0), { name: "m" });
    const caveat = expect.stringMatching(/are all zero: perhaps a download/);
    expect((await identifySubject(suspect, registry)).caveats).toContainEqual(caveat);
    await registry.add((await subjectOf(randomModel({ init: 7 }))).fingerprint, { name: "other" });
    expect((await identifySubject(suspect, registry)).caveats).toContainEqual(caveat);
  });

  it("is registered with a note", async () => {
    const { fingerprint } = await subjectOf(lost(half, 0));
    const entry = { name: "m", parts: [], root: true } as unknown as RegistryEntry;
    const notes = await additionNotes(fingerprint, entry, { parts: [], containers: [], unread: [] });
    expect(notes).toEqual([expect.stringMatching(/are all zero: perhaps a download/)]);
  });

  it("is known by what lies beside it", () => {
    const notes = ["another note", ...unfinishedNote(["model.safetensors.aria2"])];
    expect(damageOf("m", { ...base.fingerprint, notes })).toEqual([
      'm: files of a download that is not complete lie beside it: "model.safetensors.aria2"',
    ]);
  });
});
