import { describe, expect, test } from "vitest";
import { tokenEdits } from "../../../../../src/watermark/carriers/tokens/token-edits.ts";
import { tokenMatrices } from "../../../../../src/watermark/carriers/tokens/token-matrix.ts";
import { type Model, randomModel } from "../../../../support/random-model.ts";
import { checkpointOf } from "../../../../support/stored-model.ts";

const EMBED = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";
const lowRank = {
  rank: 1,
  coefficients: new Float32Array(320),
  directions: new Float32Array(64),
  ditherKey: new Uint8Array(32),
};

function withTwin(model: Model): Model {
  return new Map([...model, [HEAD, model.get(EMBED)!]]);
}

describe("token matrices", () => {
  test("are one when the head is tied, two when it is its own", async () => {
    const tied = await tokenMatrices(await checkpointOf(randomModel({ init: 1 }, { tied: true })));
    expect(tied.map(({ carrier, rows, cols, gain }) => [carrier, rows, cols, gain])).toEqual([
      ["embedding", 320, 64, null],
    ]);
    const own = await tokenMatrices(await checkpointOf(randomModel({ init: 1 })));
    expect(own.map(({ carrier }) => carrier)).toEqual(["embedding", "head"]);
  });

  test("a head is seen through the last norm", async () => {
    const model = randomModel({ init: 1 });
    const [, head] = await tokenMatrices(await checkpointOf(model));
    expect(head!.gain).toEqual(model.get("model.norm.weight")!.values);
    expect(await head!.read(3, 2)).toEqual(model.get(HEAD)!.values.subarray(3 * 64, 5 * 64));
  });

  test("a tied head that was stored too is edited with the embedding, to the same bytes", async () => {
    const matrices = await tokenMatrices(await checkpointOf(withTwin(randomModel({ init: 1 }, { tied: true }))));
    expect(matrices.map(({ carrier }) => carrier)).toEqual(["embedding"]);
    const edits = tokenEdits(matrices[0]!, lowRank);
    expect([...edits.keys()].sort()).toEqual([HEAD, EMBED]);
    const [one, other] = [edits.get(EMBED)!.views[0]!, edits.get(HEAD)!.views[0]!];
    expect(other).toEqual(one);
    expect(one.address).toBe("language/-1/embed/-1");
    expect(one.rowOffsets[5]).toBe(5 * 64);
  });

  test("GPT-2 and GPT-NeoX name theirs otherwise", async () => {
    const carriers = async (family: "gpt2" | "neox") =>
      (await tokenMatrices(await checkpointOf(randomModel({ init: 1 }, { family })))).map(
        ({ carrier, views }) => `${carrier} ${views[0]!.tensor}`,
      );
    expect(await carriers("gpt2")).toEqual(["embedding transformer.wte.weight"]);
    expect(await carriers("neox")).toEqual(["embedding gpt_neox.embed_in.weight", "head embed_out.weight"]);
  });

  test("are none without weights", async () => {
    expect(await tokenMatrices(await checkpointOf(new Map()))).toEqual([]);
  });
});
