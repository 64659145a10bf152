import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { challengedLayers, log2Choices } from "../../../src/commitment/chosen-layers.ts";
import type { Committed } from "../../../src/commitment/commit.ts";
import { commitmentDigest } from "../../../src/commitment/commitment.ts";
import { type Disclosure, disclose, type OpenedMark, readDisclosure } from "../../../src/commitment/disclosure.ts";
import { type CommittedOptions, verifyCommitted } from "../../../src/commitment/verify-committed.ts";
import { layeredKey } from "../../../src/watermark/key/layered-key.ts";
import {
  type CommittedModel,
  committed,
  committedModel,
  KEY,
  LAYERS,
  PAYLOAD,
  withModel,
  writeJson,
} from "../../support/committed-model.ts";
import { refusal } from "../../support/refusal.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const CHALLENGE = "the court's own words";
const directory = scratchDirectory();
const place = (name: string) => join(directory, name);
let models: CommittedModel;
let made: Committed;
let commitment: string;

beforeAll(async () => {
  models = await committedModel(directory);
  made = await committed(models, { payload: PAYLOAD });
  commitment = writeJson(place("commitment"), made.commitment);
});

const opening = (choice: { challenge: string } | { layers: number[] }, payload = true): Disclosure =>
  disclose({ commitment: made.commitment, key: KEY, choice, opening: payload ? made.opening : null });

const readBack = (disclosure: unknown, challenge: string | null = null): Promise<OpenedMark> =>
  readDisclosure(writeJson(place("disclosure"), disclosure), made.commitment, challenge);

const verify = (path: string, more: Partial<CommittedOptions>) =>
  withModel(path, (model) =>
    verifyCommitted(model, { commitment, holder: { key: KEY }, roots: null, firstSeen: null, threads: 0, ...more }),
  );

const opened = (disclosure: Disclosure, challenge: string | null = null) => ({
  holder: { disclosure: writeJson(place("opened"), disclosure), challenge },
});

describe("opened layers", () => {
  test("are a quarter, rounded up, and follow from the challenge alone", () => {
    const digest = commitmentDigest(made.commitment);
    const layers = challengedLayers(digest, LAYERS, CHALLENGE);
    expect(layers).toHaveLength(2);
    expect(challengedLayers(digest, LAYERS, CHALLENGE)).toEqual(layers);
    expect([1, 4, 5, 80, 1023].map((count) => challengedLayers(digest, count, "").length)).toEqual([1, 1, 2, 20, 256]);
    const counts = new Array(LAYERS).fill(0);
    for (let i = 0; i < 400; i++) for (const layer of challengedLayers(digest, LAYERS, String(i))) counts[layer] += 1;
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(45);
    expect(challengedLayers("0".repeat(64), 400, CHALLENGE)).not.toEqual(challengedLayers(digest, 400, CHALLENGE));
  });

  test("that were chosen freely are corrected for all ways to choose them", () => {
    expect([log2Choices(8, 2), log2Choices(32, 8), log2Choices(80, 20), log2Choices(5, 5)]).toEqual([5, 24, 62, 0]);
    expect(log2Choices(1023, 256)).toBeGreaterThan(820);
  });

  test("say whose mark it is, to whom the rest of the key stays secret", async () => {
    const disclosure = opening({ challenge: CHALLENGE });
    const found = await readBack(disclosure, CHALLENGE);
    expect(found).toMatchObject({ isChallenged: true, log2Choices: 0, payload: PAYLOAD });
    const covered = [...Array(LAYERS).keys()].filter((layer) => found.key.covers(layer));
    expect(covered).toEqual(disclosure.layers.map(({ layer }) => layer));
    for (const layer of covered)
      expect(found.key.layerSubkey("spread/coins", layer)).toEqual(KEY.layerSubkey("spread/coins", layer));
    const text = JSON.stringify(disclosure);
    for (let layer = 0; layer < LAYERS; layer++) {
      expect(text.includes(Buffer.from(KEY.openSlot(layer).secret).toString("hex"))).toBe(covered.includes(layer));
    }
    expect(await readBack(opening({ layers: [1, 6] }, false))).toMatchObject({
      isChallenged: false,
      log2Choices: 5,
      payload: null,
    });
  });

  test("are layers that were committed", async () => {
    for (const layers of [[], [8], [-1], [1.5]]) {
      await refusal(
        Promise.resolve().then(() => opening({ layers })),
        "USAGE",
      );
    }
  });

  test.each<[string, string, (d: Disclosure) => unknown]>([
    [
      "another secret",
      "DISCLOSURE_FORGED",
      (d) => ({ ...d, layers: d.layers.map((one) => ({ ...one, secret: "0".repeat(64) })) }),
    ],
    ["another layer", "DISCLOSURE_FORGED", (d) => ({ ...d, layers: [{ ...d.layers[0]!, layer: 7 }] })],
    ["a layer twice", "DISCLOSURE_FORGED", (d) => ({ ...d, layers: [d.layers[0], d.layers[0]] })],
    ["layers in another order", "DISCLOSURE_FORGED", (d) => ({ ...d, layers: d.layers.toReversed() })],
    ["a layer that was not committed", "DISCLOSURE_FORGED", (d) => ({ ...d, layers: [{ ...d.layers[0]!, layer: 8 }] })],
    ["another payload", "DISCLOSURE_FORGED", (d) => ({ ...d, payload: { ...d.payload!, hex: "00c0ffef" } })],
    ["another commitment", "DISCLOSURE_FORGED", (d) => ({ ...d, commitment: "0".repeat(64) })],
    [
      "a shorter proof",
      "DISCLOSURE_MALFORMED",
      (d) => ({ ...d, layers: [{ ...d.layers[0]!, proof: d.layers[0]!.proof.slice(1) }] }),
    ],
    ["no layers", "DISCLOSURE_MALFORMED", (d) => ({ ...d, layers: [] })],
    ["a field too many", "DISCLOSURE_MALFORMED", (d) => ({ ...d, more: 1 })],
    ["null", "DISCLOSURE_MALFORMED", () => null],
  ])("are refused with %s", async (_, code, change) => {
    await refusal(readBack(change(opening({ layers: [1, 3] }))), code as "DISCLOSURE_FORGED");
  });

  test("are refused where they are not those of the verifier's challenge", async () => {
    const askedBy = (text: string) => challengedLayers(commitmentDigest(made.commitment), LAYERS, text).join();
    const asked = askedBy(CHALLENGE);
    // Commitments are salted: of 28 pairs of layers any may be the one that is asked for.
    const lucky = opening({ layers: asked === "0,1" ? [0, 2] : [0, 1] });
    await refusal(readBack({ ...lucky, challenge: CHALLENGE }, CHALLENGE), "DISCLOSURE_OF_OTHER_LAYERS");
    const another = [..."abcdefghijklm"].find((text) => askedBy(text) !== asked)!;
    await refusal(readBack(opening({ challenge: another }), CHALLENGE), "DISCLOSURE_OF_OTHER_LAYERS");
  });
});

describe("verifying by a commitment", () => {
  test("finds the mark with the whole key, and with a quarter of its layers", async () => {
    const whole = await verify(models.marked, {});
    const quarter = await verify(models.marked, opened(opening({ challenge: CHALLENGE }), CHALLENGE));
    expect(whole).toMatchObject({ opened: null, result: { present: true, payload: { hex: "00c0ffee" } } });
    expect(quarter).toMatchObject({ opened: { of: 8, isChallenged: true }, result: { present: true, keyId: KEY.id } });
    expect(quarter.result.payload).toMatchObject({ hex: "00c0ffee", how: "claimed" });
    expect(quarter.result.log2P).toBeGreaterThan(whole.result.log2P);
    expect(quarter.time.order).toBe("not-shown");
    expect(quarter.result.carriers.map(({ name }) => name)).not.toContain("embedding");
  });

  test("multiplies p by the ways in which the layers could have been chosen", async () => {
    const layers = challengedLayers(commitmentDigest(made.commitment), LAYERS, CHALLENGE);
    const challenged = await verify(models.marked, opened(opening({ challenge: CHALLENGE }), CHALLENGE));
    const free = await verify(models.marked, opened(opening({ layers })));
    expect(free.result.log2Tried - challenged.result.log2Tried).toBeCloseTo(5, 9);
    expect(free.result.log2P - challenged.result.log2P).toBeCloseTo(5, 9);
  });

  test("leaves out with the whole key what was opened to others", async () => {
    const without = writeJson(place("shown"), opening({ layers: [0, 2, 4, 6] }));
    const [whole, rest] = [
      await verify(models.marked, {}),
      await verify(models.marked, { holder: { key: KEY, without } }),
    ];
    const zOf = ({ result }: typeof whole) => result.carriers.find(({ name }) => name === "orientation")!.statistic;
    expect(rest.result.present).toBe(true);
    expect(zOf(rest) / zOf(whole)).toBeCloseTo(Math.SQRT1_2, 1);
    const all = writeJson(place("shown"), opening({ layers: [...Array(LAYERS).keys()] }));
    expect((await verify(models.marked, { holder: { key: KEY, without: all } })).result.present).toBe(false);
  });

  test("finds nothing in another model, and reads it through the committed sketch alone", async () => {
    expect((await verify(models.other, opened(opening({ layers: [1, 3] })))).result).toMatchObject({ present: false });
    const through = await verify(models.marked, { ...opened(opening({ layers: [1, 3] })), reference: models.sketch });
    expect(through.result).toMatchObject({ present: true, alignment: { layers: 8, layersMatched: 8 } });
    const without = await withModel(models.unmarked, (unmarked) => committed(models, { unmarked, sketch: undefined }));
    const other = writeJson(place("without"), without.commitment);
    await refusal(verify(models.marked, { commitment: other, reference: models.sketch }), "COMMITMENT_MISMATCH");
  });

  test("is refused with another key, a base, or a tokenizer of the verifier's own choice", async () => {
    const other = layeredKey(Buffer.alloc(32, 6), "acme-7b");
    await refusal(verify(models.marked, { holder: { key: other } }), "COMMITMENT_OF_ANOTHER_KEY");
    await refusal(
      withModel(models.other, (base) => verify(models.marked, { base })),
      "COMMITMENT_MISMATCH",
    );
    await refusal(verify(models.marked, { tokenizer: "tokenizer.json" }), "COMMITMENT_MISMATCH");
  });
});
