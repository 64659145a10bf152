import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serializeFingerprint } from "../../../src/fingerprint/file.ts";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { namedComponent } from "../../../src/lineage/named-component.ts";
import { digestOf } from "../../../src/registry/digest.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { findSharedParts } from "../../../src/registry/shared-parts.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const root = scratchDirectory();
let count = 0;
const fresh = () => openRegistry(join(root, `r${count++}`), { create: true });

const sketchesOf = (
  seed: number,
  component: string,
  change: (sketch: MatrixSketch) => MatrixSketch = (sketch) => sketch,
) => randomFingerprint({ seed }).sketches.map((sketch) => change({ ...sketch, component }));

/** A model of several components, each a list of sketches. */
function modelOf(...components: readonly (readonly MatrixSketch[])[]): Fingerprint {
  const sketches = components.flat();
  return {
    ...randomFingerprint({ seed: 1 }),
    sketches,
    tensors: [],
    roots: { content: null, sampled: "0".repeat(64), stored: "1".repeat(64) },
  };
}

const digest = (fingerprint: Fingerprint) => digestOf(serializeFingerprint(fingerprint));
const look = (registry: Registry, fingerprint: Fingerprint, name = "new") =>
  findSharedParts(registry, fingerprint, { digest: digest(fingerprint), name });

const encoder = modelOf(sketchesOf(7, "vision_model.encoder.layers"));
const language = sketchesOf(8, "language");
const multimodal = modelOf(language, sketchesOf(7, "vision_tower.encoder.layers"));
const NOTHING = { parts: [], containers: [], unread: [] };

describe("parts of registered models", () => {
  it("are found by content, under whatever name and in whatever order", async () => {
    const registry = await fresh();
    expect(await look(registry, multimodal)).toEqual(NOTHING);
    await registry.add(randomFingerprint({ seed: 9 }), { name: "unrelated" });
    expect(await look(registry, multimodal)).toEqual(NOTHING);
    const { entry } = await registry.add(encoder, { name: "encoder", root: true });
    const part = { component: "vision_tower.encoder.layers", of: entry.digest, holder: "encoder" };
    expect(await look(registry, multimodal)).toEqual({ ...NOTHING, parts: [part] });
    const reversed = modelOf(sketchesOf(7, "vision_tower.encoder.layers").reverse(), language);
    expect(await look(registry, reversed)).toEqual({ ...NOTHING, parts: [part] });
  });

  it("are none of a copy, nor of the smaller model that a larger one contains", async () => {
    const registry = await fresh();
    await registry.add(multimodal, { name: "large" });
    expect(await look(registry, multimodal, "again")).toEqual(NOTHING);
    const renamed = modelOf(sketchesOf(8, "a"), sketchesOf(7, "b"));
    expect(await look(registry, renamed)).toEqual({ ...NOTHING, containers: ["large"] });
    expect(await look(registry, encoder)).toEqual({ ...NOTHING, containers: ["large"] });
    // What stands under the model's own name is about to be replaced.
    expect(await look(registry, encoder, "large")).toEqual(NOTHING);
  });

  it("are none of a smaller model of which something small was laid otherwise in the larger one", async () => {
    const registry = await fresh();
    await registry.add(multimodal, { name: "large", root: true });
    const projection = sketchesOf(11, "projection").slice(0, 1);
    const source = modelOf(sketchesOf(7, "encoder.layers"), projection);
    expect(await look(registry, source)).toEqual({ ...NOTHING, containers: ["large"] });
    // A larger model that froze a registered one has a part of it, small though its own stacks are.
    await registry.add(encoder, { name: "encoder", root: true });
    const frozen = modelOf(sketchesOf(7, "visual"), sketchesOf(12, "head").slice(0, 2));
    const found = await look(registry, frozen);
    expect(found.parts.map(({ component }) => component)).toEqual(["visual"]);
  });

  it("are named after the entry that they come from in the first place", async () => {
    const registry = await fresh();
    const of = "ab".repeat(32);
    const parts = [{ component: "vision_tower.encoder.layers", of }];
    await registry.add(multimodal, { name: "first", parts });
    const second = modelOf(sketchesOf(10, "language"), sketchesOf(7, "visual"));
    expect((await look(registry, second)).parts).toEqual([{ component: "visual", of, holder: "first" }]);
  });

  it("are found after rounding, and not after any other change", async () => {
    const registry = await fresh();
    await registry.add(encoder, { name: "encoder" });
    const rounded = (sketch: MatrixSketch): MatrixSketch => ({
      ...sketch,
      digest: { ...sketch.digest, f32: sketch.digest.bf16 },
    });
    const tuned = (sketch: MatrixSketch, i: number): MatrixSketch =>
      i === 4 ? { ...sketch, digest: { ...sketch.digest, f32: "0".repeat(32) } } : sketch;
    const other = (sketches: readonly MatrixSketch[]) => modelOf(language, sketches);
    expect((await look(registry, other(sketchesOf(7, "v", rounded)))).parts).toMatchObject([{ component: "v" }]);
    expect((await look(registry, other(sketchesOf(7, "v").map(tuned)))).parts).toEqual([]);
    expect((await look(registry, other(sketchesOf(7, "v").slice(1)))).parts).toEqual([]);
    const wider = (sketch: MatrixSketch): MatrixSketch => ({ ...sketch, rows: 128 });
    expect((await look(registry, other(sketchesOf(7, "v", wider)))).parts).toEqual([]);
  });

  it("are none where an expert that has no sketch was tuned", async () => {
    const registry = await fresh();
    const experts = (component: string, tuned: string): Fingerprint => {
      const sketches = sketchesOf(7, component);
      const digests = [...sketches.map(({ digest: { f32 } }) => f32), tuned];
      const tensors = digests.map((f32, i) => ({
        name: `${component}.experts.${i}`,
        dtype: "F32" as const,
        shape: [8, 8],
        content: null,
        moments: null,
        values: { f32, f16: f32, bf16: f32 },
        component,
        uniform: false,
      }));
      const own = modelOf(language, sketches);
      return { ...own, tensors };
    };
    const alone = experts("tower", "a".repeat(32));
    await registry.add({ ...alone, sketches: alone.sketches.filter((s) => s.component === "tower") }, { name: "base" });
    expect((await look(registry, experts("v", "a".repeat(32)))).parts).toMatchObject([{ component: "v" }]);
    expect((await look(registry, experts("v", "b".repeat(32)))).parts).toEqual([]);
  });

  it("are none where no row can be used: constants are equal everywhere", async () => {
    const registry = await fresh();
    const constant = (sketch: MatrixSketch): MatrixSketch => ({ ...sketch, valid: sketch.valid.map(() => false) });
    await registry.add(modelOf(sketchesOf(7, "v", constant), sketchesOf(11, "language")), { name: "one" });
    expect(await look(registry, modelOf(sketchesOf(7, "v", constant), language))).toEqual(NOTHING);
  });

  it("are looked for in the other entries when one of them is damaged", async () => {
    const registry = await fresh();
    const { entry } = await registry.add(encoder, { name: "encoder" });
    await registry.add(modelOf(language), { name: "language" });
    rmSync(join(registry.location, "fingerprints", `${entry.digest}.safetensors`));
    const found = await look(registry, multimodal);
    expect(found).toMatchObject({ parts: [{ component: "language", holder: "language" }], unread: ["encoder"] });
  });
});

describe("the component that a user means", () => {
  const model = modelOf(sketchesOf(1, "language"), sketchesOf(2, "tower.a"), sketchesOf(3, "tower.b"));

  it("is named by its name, or by a path that only it begins with", () => {
    expect(namedComponent(model, "language")).toBe("language");
    expect(namedComponent(model, "tower.b")).toBe("tower.b");
    expect(namedComponent(multimodal, "vision_tower")).toBe("vision_tower.encoder.layers");
    expect(namedComponent(multimodal, "vision_tower.encoder")).toBe("vision_tower.encoder.layers");
  });

  it.each(["tower", "towe", "tower.", "", "constructor"])("is refused with the list of all when it is %j", (text) => {
    expect(() => namedComponent(model, text)).toThrow(
      expect.objectContaining({ code: "COMPONENT_UNKNOWN", detail: "Its components: language, tower.a, tower.b." }),
    );
  });
});
