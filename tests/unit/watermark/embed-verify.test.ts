import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { prng } from "../../../src/numerics/prng.ts";
import type { EmbedOptions } from "../../../src/watermark/embed-options.ts";
import { parsePayload } from "../../../src/watermark/message/payload.ts";
import { embedAt, storeModel, verifyAt } from "../../support/keyed-model.ts";
import type { Model } from "../../support/random-model.ts";
import { readModel } from "../../support/rivals.ts";
import { gaussianLlama, testKey } from "../../support/spread-model.ts";
import { stackLayers } from "../../support/stack-layers.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { turnAxes } from "../../support/turn-axes.ts";
import { CONFIG } from "../../support/watermark-command.ts";

const PAYLOAD = parsePayload("00c0ffee");
/** A model of 1.3 M weights needs a mark this strong to carry 32 bits; large ones do with a tenth. */
const RHO = 0.02;

const beside = { "config.json": CONFIG };

function released(seed: number): Model {
  return gaussianLlama(seed, { layers: 2 });
}

async function embedIn(place: string, model: Model, options: Partial<EmbedOptions> = {}) {
  const input = join(place, "model");
  if (!existsSync(input)) storeModel(input, model, beside);
  const directory = join(place, "marked");
  const result = await embedAt(input, directory, { payload: PAYLOAD, rho: RHO, ...options });
  return { result, directory, input };
}

describe("embed, then verify", () => {
  test("finds the mark, reads the payload, and no other key finds anything", async () => {
    const { result, directory } = await embedIn(temporaryDirectory(), released(1));
    expect(result.carriers.map(({ name, payloadBits }) => [name, payloadBits])).toEqual([
      ["orientation", 32],
      ["spread", 32],
    ]);
    const found = await verifyAt(directory);
    expect(found).toMatchObject({ present: true, level: "forensic", payload: { hex: "00c0ffee", how: "decoded" } });
    expect(found.decoys?.rank).toBe(1);
    for (const { name, achieved } of result.carriers) {
      const seen = found.carriers.find((carrier) => carrier.name === name)!;
      expect(seen.statistic / achieved).toBeCloseTo(1, 2);
      expect(seen.present).toBe(true);
    }
    for (let seed = 2; seed < 12; seed++) {
      expect(await verifyAt(directory, { key: testKey(seed) })).toMatchObject({ present: false, payload: null });
    }
  });

  test("is not hidden by small tensors that claim the places of the marked ones", async () => {
    const { directory } = await embedIn(temporaryDirectory(), released(3));
    const file = join(directory, "model.safetensors");
    const stored = readFileSync(file);
    const start = 8 + Number(stored.readBigUInt64LE());
    const header = JSON.parse(stored.toString("utf8", 8, start));
    let end = stored.length - start;
    for (const name of Object.keys(header)) {
      if (header[name].shape?.length !== 2) continue;
      header[`x.${name}`] = { dtype: "F32", shape: [2, 2], data_offsets: [end, end + 16] };
      end += 16;
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const rivals = Buffer.alloc(end - (stored.length - start), 1);
    writeFileSync(file, Buffer.concat([length, text, stored.subarray(start), rivals]));
    expect(await verifyAt(directory)).toMatchObject({ present: true, payload: { hex: "00c0ffee" } });
  });

  test("is not hidden by linears that are stored the other way, nor by layers that are stacked", async () => {
    const place = temporaryDirectory();
    const { directory } = await embedIn(place, released(5));
    const turned = turnAxes(readModel(directory), /_proj/);
    for (const [i, model] of [turned, stackLayers(readModel(directory)), stackLayers(turned)].entries()) {
      const found = await verifyAt(storeModel(join(place, `${i}`), model, beside));
      expect(found).toMatchObject({ present: true, payload: { hex: "00c0ffee" } });
    }
    const unmarked = stackLayers(turnAxes(released(5), /_proj/));
    expect(await verifyAt(storeModel(join(place, "unmarked"), unmarked, beside))).toMatchObject({ present: false });
  });

  test("a claimed payload is confirmed, a wrong one contradicted", async () => {
    const { directory } = await embedIn(temporaryDirectory(), released(2));
    const right = await verifyAt(directory, { payload: PAYLOAD });
    expect(right.payload?.how).toBe("claimed");
    expect(right.log2P).toBeLessThan((await verifyAt(directory)).log2P);
    const wrong = await verifyAt(directory, { payload: parsePayload("0badcafe") });
    expect(wrong.payload).toMatchObject({ hex: "00c0ffee", how: "decoded" });
    expect(wrong.caveats.join()).toContain("the claimed payload is not what the mark says");
  });

  test("the unmarked model and one of other weights stay silent", async () => {
    const { input } = await embedIn(temporaryDirectory(), released(3));
    const found = await verifyAt(input);
    expect(found).toMatchObject({ present: false, level: "none", payload: null });
    expect(found.log2P).toBeGreaterThan(-20);
  });

  test("any number of threads writes the same bytes", async () => {
    const [here, there] = [temporaryDirectory(), temporaryDirectory()];
    const alone = await embedIn(here, released(4));
    const threaded = await embedIn(there, released(4), { threads: 2 });
    const weights = (directory: string) => readFileSync(join(directory, "model.safetensors"));
    expect(weights(threaded.directory).equals(weights(alone.directory))).toBe(true);
    expect(readFileSync(`${threaded.directory}.sketch`).equals(readFileSync(`${alone.directory}.sketch`))).toBe(true);
    expect(await verifyAt(threaded.directory, { threads: 2 })).toEqual(await verifyAt(alone.directory));
  });

  test("the sketch brings back what a permutation and turned signs of neurons hide", async () => {
    const place = temporaryDirectory();
    const model = released(5);
    const { directory } = await embedIn(place, model);
    const scrambled = join(place, "scrambled");
    await storeScrambled(directory, scrambled);
    const blind = await verifyAt(scrambled);
    const aligned = await verifyAt(scrambled, { reference: `${directory}.sketch` });
    const spread = (result: typeof blind) => result.carriers.find(({ name }) => name === "spread")!.statistic;
    expect(spread(aligned)).toBeGreaterThan(spread(blind) + 5);
    // The sketch knows the signs of the marked copy: what it aligns may not be asked about them.
    expect(aligned.carriers.map(({ name }) => name)).not.toContain("orientation");
    expect(aligned).toMatchObject({ present: true, payload: { hex: "00c0ffee" }, alignment: { layersMatched: 2 } });
    // Anyone who chooses the sketch can fit it, as anyone who chooses a base can: a finding through one says so.
    const fitted = /chooses the sketch can fit it: the p-value holds if the sketch was fixed before/;
    expect(aligned.caveats.filter((caveat) => fitted.test(caveat))).toHaveLength(1);
    expect(blind.caveats.join()).not.toMatch(/can fit it/);
  });
});

describe("the sketch alone", () => {
  test("makes no unmarked original look marked", async () => {
    const { directory, input } = await embedIn(temporaryDirectory(), released(11));
    const found = await verifyAt(input, { reference: `${directory}.sketch` });
    expect(found.present).toBe(false);
    expect(found.log2P).toBeGreaterThan(-20);
    // Where nothing was found nobody is accused.
    expect(found.caveats.join()).not.toMatch(/can fit it/);
  });
});

describe("embed refuses", () => {
  const refusal = async (options: Partial<EmbedOptions>, model = released(9), place = temporaryDirectory()) =>
    embedIn(place, model, options).then(
      () => ({ code: "none", left: existsSync(join(place, "marked")) || existsSync(join(place, "marked.sketch")) }),
      (error) => ({
        code: error.code as string,
        left: existsSync(join(place, "marked")) || existsSync(join(place, "marked.sketch")),
      }),
    );

  test("a payload that does not fit, leaving nothing", async () => {
    const tiny = gaussianLlama(6, { hidden: 128 });
    const options = { payload: parsePayload("00112233445566778899aabbccddeeff"), rho: 0.002 };
    expect(await refusal(options, tiny)).toEqual({ code: "PAYLOAD_TOO_LONG", left: false });
  });

  test("a model that holds no mark at all", async () => {
    const model = new Map([...gaussianLlama(7, { width: 64, hidden: 64 })].filter(([name]) => !name.includes("mlp")));
    expect(await refusal({ payload: null, rho: 0.0001 }, model)).toEqual({ code: "MODEL_TOO_SMALL", left: false });
  });

  test("a model that is marked with the key already", async () => {
    const place = temporaryDirectory();
    const { directory } = await embedIn(place, released(8));
    await expect(embedAt(directory, join(place, "b"))).rejects.toMatchObject({ code: "ALREADY_MARKED" });
    expect(existsSync(join(place, "b"))).toBe(false);
  });

  test("an output that exists, before anything is read", async () => {
    const place = temporaryDirectory();
    await embedIn(place, released(10));
    const before = readFileSync(join(place, "marked", "model.safetensors"));
    await expect(embedIn(place, released(10), { key: testKey(2) })).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
    expect(readFileSync(join(place, "marked", "model.safetensors")).equals(before)).toBe(true);
  });
});

describe("embed that is broken off", () => {
  test.each([
    ["while it reads", (controller: AbortController) => controller.abort("stop")],
    ["while it writes", () => undefined],
  ])("%s leaves nothing, not even the sketch", async (_, early) => {
    const place = temporaryDirectory();
    const controller = new AbortController();
    early(controller);
    const { signal } = controller;
    const embedded = embedIn(place, released(12), { signal, onProgress: () => controller.abort("stop") });
    await expect(embedded).rejects.toBe("stop");
    expect(readdirSync(place)).toEqual(["model"]);
  });
});

/** The copy with the neurons of every layer in another order and half of them with their signs turned. */
async function storeScrambled(from: string, to: string): Promise<void> {
  const checkpoint = await openCheckpoint(from);
  const model = new Map<string, Model extends ReadonlyMap<string, infer T> ? T : never>();
  for (const { name, shape, begin, end, file } of checkpoint.tensors.values()) {
    const bytes = await checkpoint.files[file]!.source.read(begin, end);
    const words = new Uint16Array(bytes.slice().buffer);
    const values = new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer);
    model.set(name, { shape, dtype: "BF16", values });
  }
  await checkpoint.close();
  for (let layer = 0; layer < 2; layer++) {
    const of = (role: string) => model.get(`model.layers.${layer}.mlp.${role}_proj.weight`)!;
    const [neurons, width] = of("up").shape as [number, number];
    const order = Uint32Array.from({ length: neurons }, (_, i) => i);
    const random = prng(`scramble ${layer}`);
    random.shuffle(order);
    const signs = Float32Array.from({ length: neurons }, () => (random.float() < 0.5 ? -1 : 1));
    for (const role of ["gate", "up", "down"]) {
      const { values } = of(role);
      const old = values.slice();
      order.forEach((source, target) => {
        const sign = role === "gate" ? 1 : signs[target]!;
        for (let j = 0; j < width; j++) {
          if (role === "down") values[j * neurons + target] = sign * old[j * neurons + source]!;
          else values[target * width + j] = sign * old[source * width + j]!;
        }
      });
    }
  }
  storeModel(to, model, beside);
}
