import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { parseFingerprint, serializeFingerprint } from "../../src/fingerprint/file.ts";
import { FINGERPRINT_VERSION, type Fingerprint } from "../../src/fingerprint/fingerprint.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { serializeSafetensors } from "../../src/formats/safetensors/writer.ts";
import { popcount32 } from "../../src/kernels/bits.ts";
import { addNoise, cast, mapMatrices, metaNames, rename, reorderTensors, shard } from "../support/derive.ts";
import { prefetchOnly } from "../support/prefetch-only.ts";
import { type Model, randomModel } from "../support/random-model.ts";
import { checkpointOf, savedCheckpoint } from "../support/stored-model.ts";

const TINY = { width: 48, hidden: 64, layers: 2, vocabulary: 128 };
const model = randomModel({ init: 1 }, TINY);
const seed = fc.integer({ min: 1, max: 1_000_000 });

const fingerprint = async (shards: Model | Model[], depth: "sampled" | "full" = "sampled"): Promise<Fingerprint> =>
  fingerprintCheckpoint(await checkpointOf(shards), { depth });

describe("a fingerprint", () => {
  let directory: string;
  let saved: Checkpoint;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "weightmark-test-"));
    saved = await savedCheckpoint(model, directory);
  });
  afterAll(async () => {
    await saved.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("is the same bytes for any number of threads, at both depths, run after run", async () => {
    for (const depth of ["sampled", "full"] as const) {
      const bytes: Uint8Array[] = [];
      for (const threads of [0, 1, 2, 0]) {
        bytes.push(serializeFingerprint(await fingerprintCheckpoint(saved, { depth, threads })));
      }
      for (const other of bytes.slice(1)) expect(Buffer.compare(bytes[0]!, other)).toBe(0);
    }
  });

  test("reads everything once at depth full, and tells its progress to the end", async () => {
    const steps: [number, number][] = [];
    const onProgress = (done: number, total: number): void => void steps.push([done, total]);
    const fp = await fingerprintCheckpoint(saved, { depth: "full", threads: 2, onProgress });
    expect(steps.at(-1)![0]).toBe(steps.at(-1)![1]);
    expect(fp.tensors.every((t) => t.content !== null && t.moments !== null)).toBe(true);
    expect(fp.roots.content).toMatch(/^[0-9a-f]{64}$/);
  });

  test.prop([seed, fc.integer({ min: 1, max: 5 })], { numRuns: 8 })(
    "has roots that names, order and shards do not change, and every value does",
    async (s, count) => {
      const [plain, stored] = [
        await fingerprint(model, "full"),
        await fingerprint(shard(reorderTensors(model, s), count), "full"),
      ];
      expect(stored.roots).toEqual(plain.roots);
      const renamed = await fingerprint(rename(model, metaNames), "full");
      expect(renamed.roots).toEqual(plain.roots);
      expect(new Set(renamed.sketches.map((x) => x.bits.join()))).toEqual(
        new Set(plain.sketches.map((x) => x.bits.join())),
      );
      expect((await fingerprint(cast(model, "F64"))).roots.sampled).toBe(plain.roots.sampled);
      const names = [...model.keys()];
      const name = names[s % names.length]!;
      const tensor = model.get(name)!;
      const at = s % tensor.values.length;
      const touched = new Map(model).set(name, {
        ...tensor,
        values: tensor.values.map((x, i) => (i === at ? x + 1 : x)),
      });
      expect((await fingerprint(touched, "full")).roots.content).not.toBe(plain.roots.content);
    },
  );

  test.prop(
    [
      fc.constantFrom("llama", "gpt2", "neox", "phi3", "mixtral", "llava"),
      fc.constantFrom("F32", "F16", "BF16", "F64"),
      fc.integer({ min: 1, max: 4 }),
      seed,
    ],
    { numRuns: 12 },
  )(
    "of a model far away is the same to the bit, and reads what was announced only",
    async (family, dtype, count, s) => {
      const shape = { family, width: 32 + 8 * (s % 5), hidden: 48 + (s % 7), layers: 2, vocabulary: 65 + (s % 300) };
      const near = await checkpointOf(shard(cast(randomModel({ init: s }, shape), dtype), count));
      const { checkpoint, log } = prefetchOnly(near);
      const [here, there] = [await fingerprintCheckpoint(near), await fingerprintCheckpoint(checkpoint)];
      expect(Buffer.compare(serializeFingerprint(here), serializeFingerprint(there))).toBe(0);
      expect(Math.max(...log.calls)).toBe(1);
    },
  );

  test.prop([fc.double({ min: 0.01, max: 2, noNaN: true }), seed], { numRuns: 8 })(
    "changes by arctan(eps) / pi of its signs under noise of relative size eps",
    async (eps, s) => {
      // Gaussian weights: what training put there has another distribution, and another rate.
      const gaussian = mapMatrices(model, (values) => values.map(() => 0));
      const flat = addGaussian(gaussian, 7);
      const [before, after] = [await fingerprint(flat), await fingerprint(addNoise(flat, eps, s))];
      let [flips, bits] = [0, 0];
      before.sketches.forEach((sketch, k) => {
        bits += sketch.sampled.length * sketch.cols;
        sketch.bits.forEach((word, i) => {
          flips += popcount32(word ^ after.sketches[k]!.bits[i]!);
        });
      });
      const expected = Math.atan(eps) / Math.PI;
      expect(bits).toBeGreaterThan(30_000);
      expect(Math.abs(flips / bits - expected)).toBeLessThan(6 * Math.sqrt((expected * (1 - expected)) / bits));
    },
  );
});

function addGaussian(zeros: Model, s: number): Model {
  const gaussian = randomModel({ init: s, training: s }, TINY);
  // Pairwise differences of two trainings of one start cancel the start; the start itself is what stays of their mean.
  const other = randomModel({ init: s + 1, training: s }, TINY);
  return new Map(
    [...zeros].map(([name, t]) => [
      name,
      t.shape.length < 2
        ? t
        : { ...t, values: t.values.map((_, i) => gaussian.get(name)!.values[i]! - other.get(name)!.values[i]!) },
    ]),
  );
}

describe("a fingerprint file", () => {
  let fp: Fingerprint;
  let bytes: Uint8Array;
  let manifest: Record<string, unknown>;
  beforeAll(async () => {
    fp = await fingerprint(
      mapMatrices(model, (values) => values.map((x, i) => (i % 7 ? x : 0))),
      "full",
    );
    bytes = serializeFingerprint(fp);
    manifest = JSON.parse((await readSafetensorsHeader(memorySource(bytes))).metadata.get("manifest")!);
  });

  test("comes back as it was", async () => {
    const back = await parseFingerprint(bytes, "memory");
    expect(back).toEqual(fp);
    expect(Buffer.compare(serializeFingerprint(back), bytes)).toBe(0);
  });

  test("of an adapter comes back as the same bytes, however long the name of its base", async () => {
    const adapted = rename(model, (name) => (name.includes("q_proj") ? name.replace("weight", "lora_A.weight") : name));
    const base_model_name_or_path = "org/".padEnd(512, "x");
    const beside = Buffer.from(JSON.stringify({ base_model_name_or_path }));
    const taken = await fingerprintCheckpoint({ ...(await checkpointOf(adapted)), readBeside: async () => beside });
    expect(taken.adapter).toMatchObject({ kind: "lora", base: base_model_name_or_path });
    const written = serializeFingerprint(taken);
    expect(Buffer.compare(serializeFingerprint(await parseFingerprint(written, "memory")), written)).toBe(0);
  });

  test("is read from any alignment, and from a Buffer of a pool", async () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(await parseFingerprint(shifted.subarray(3), "memory")).toEqual(fp);
    expect(await parseFingerprint(Buffer.from(bytes), "memory")).toEqual(fp);
  });

  /** The same file with another manifest, or other parts. */
  async function rebuilt(edit: {
    manifest?: unknown;
    mark?: string;
    part?: (name: string, data: Uint8Array) => Uint8Array | null;
  }) {
    const header = await readSafetensorsHeader(memorySource(bytes));
    const tensors = [...header.tensors.values()].flatMap((t) => {
      const data = edit.part ? edit.part(t.name, bytes.slice(t.begin, t.end)) : bytes.slice(t.begin, t.end);
      return data === null ? [] : [{ name: t.name, dtype: "U8" as const, shape: [data.length], data }];
    });
    const text =
      "manifest" in edit
        ? typeof edit.manifest === "string"
          ? edit.manifest
          : JSON.stringify(edit.manifest)
        : header.metadata.get("manifest")!;
    return serializeSafetensors(
      tensors,
      new Map([
        ["weightmark.fingerprint", edit.mark ?? String(FINGERPRINT_VERSION)],
        ["manifest", text],
      ]),
    );
  }

  async function refused(file: Uint8Array, code = "FINGERPRINT_MALFORMED"): Promise<void> {
    const error = await parseFingerprint(file, "hostile").then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(WeightmarkError);
    expect((error as WeightmarkError).code).toBe(code);
  }

  test("is refused when it is another version or none", async () => {
    for (const mark of ["1", `${FINGERPRINT_VERSION + 1}`, `0${FINGERPRINT_VERSION}`, ""]) {
      await refused(await rebuilt({ mark }), "FINGERPRINT_VERSION");
    }
    await refused(serializeSafetensors([], new Map([["manifest", "{}"]])));
    await refused(serializeSafetensors([]));
  });

  test.each(["", "{", "null", "[]", "7", '{"__proto__":{}}'])("is refused when its manifest is %j", async (text) => {
    await refused(await rebuilt({ manifest: text }));
  });

  test("is refused when a part is missing, too short or too long", async () => {
    const names = [...(await readSafetensorsHeader(memorySource(bytes))).tensors.keys()];
    expect(names).toHaveLength(5);
    for (const victim of names) {
      const changes: ((data: Uint8Array) => Uint8Array | null)[] = [
        () => null,
        (data) => data.subarray(4),
        (data) => new Uint8Array([...data, 0, 0, 0, 0]),
      ];
      for (const change of changes) {
        await refused(await rebuilt({ part: (name, data) => (name === victim ? change(data) : data) }));
      }
    }
  });

  test("is refused when a scale or gain is not finite", async () => {
    for (const victim of ["slice.scale", "slice.gain"]) {
      const poisoned = (name: string, data: Uint8Array): Uint8Array => {
        if (name === victim) new DataView(data.buffer).setFloat32(0, Number.NaN, true);
        return data;
      };
      await refused(await rebuilt({ part: poisoned }));
    }
  });

  const HUGE = [-1, 0.5, 2 ** 31, 2 ** 53, 1e300, "8", null, {}, [], "__proto__"];
  test.each([
    ["sketches", 0, "rows"],
    ["sketches", 0, "cols"],
    ["sketches", 0, "layer"],
    ["sketches", 0, "expert"],
    ["slices", 0, "sketch"],
    ["slices", 0, "firstRow"],
    ["slices", 0, "height"],
    ["slices", 0, "width"],
  ])("never trusts %s[%i].%s", async (list, index, field) => {
    for (const value of HUGE) {
      const edited = structuredClone(manifest) as Record<string, Record<string, unknown>[]>;
      edited[list]![index]![field] = value;
      const before = process.memoryUsage().arrayBuffers;
      // A layer or expert number may be large: nothing is as large as it says.
      const harmless =
        (field === "layer" || field === "expert") &&
        typeof value === "number" &&
        value >= -1 &&
        Number.isSafeInteger(value);
      if (harmless) await parseFingerprint(await rebuilt({ manifest: edited }), "memory");
      else await refused(await rebuilt({ manifest: edited }));
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
    }
  });

  test("is refused for fields nobody knows, prototype or not, and pollutes nothing", async () => {
    for (const key of ["__proto__", "constructor", "extra"]) {
      const text = JSON.stringify(manifest).replace("{", `{${JSON.stringify(key)}:{"polluted":true},`);
      const file = await rebuilt({ manifest: text });
      // JSON.parse makes __proto__ an own key; strict objects know only their own.
      await refused(file);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    }
    const dtypes = JSON.stringify(manifest).replace('"dtypes":{', '"dtypes":{"__proto__":{"polluted":1},');
    const read = await parseFingerprint(await rebuilt({ manifest: dtypes }), "memory");
    expect(Object.getPrototypeOf(read.dtypes)).toBe(Object.prototype);
    expect(Object.entries(read.dtypes)).toEqual(Object.entries(fp.dtypes));
  });

  test.prop([fc.nat(), fc.integer({ min: 0, max: 7 })], { numRuns: 300 })(
    "with one bit flipped is read or refused by a code, and never breaks",
    async (position, bit) => {
      const damaged = bytes.slice();
      damaged[position % bytes.length]! ^= 1 << bit;
      const error = await parseFingerprint(damaged, "damaged").then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error !== null) {
        expect(error).toBeInstanceOf(WeightmarkError);
        expect((error as WeightmarkError).code).toMatch(
          /^(?:FINGERPRINT|ST)_|^(?:UNSUPPORTED_CONTAINER|COMPRESSED_FILE|TEXT_FILE|EMPTY_FILE)$/,
        );
      }
    },
  );

  test.prop([fc.nat()], { numRuns: 60 })("cut short is refused", async (length) => {
    const error = await parseFingerprint(bytes.slice(0, length % bytes.length), "cut").then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(WeightmarkError);
  });
});
