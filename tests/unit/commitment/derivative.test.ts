import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { challengedLayers } from "../../../src/commitment/chosen-layers.ts";
import { type CommitOptions, type Committed, commitRelease } from "../../../src/commitment/commit.ts";
import { commitmentDigest } from "../../../src/commitment/commitment.ts";
import { disclose } from "../../../src/commitment/disclosure.ts";
import { type CommittedOptions, verifyCommitted } from "../../../src/commitment/verify-committed.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { KEY, withModel, writeJson } from "../../support/committed-model.ts";
import { embedAt, storeModel } from "../../support/keyed-model.ts";
import type { Model } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { gaussianLlama } from "../../support/spread-model.ts";

const LAYERS = 2;
/** A value of a matrix of which the sampled root says nothing. */
const UNSAMPLED = 38_147;
const CHALLENGE = "asked after the commitment";
const CONFIG = { model_type: "llama", hidden_size: 256, num_attention_heads: 4, num_key_value_heads: 4 };
const directory = scratchDirectory();
const at = (name: string) => join(directory, name);
const store = (name: string, model: Model) => storeModel(at(name), model, { "config.json": CONFIG });
const original = gaussianLlama(1, { layers: LAYERS, hidden: 256, dtype: "F32" });
let made: Committed;
let commitment: string;

/** What a fine-tune of its own would change: noise of a tenth of the weights. */
function tuned(seed: number): Model {
  const random = prng(`tuned ${seed}`);
  return new Map(
    [...original].map(([name, tensor]) => [
      name,
      { ...tensor, values: tensor.values.map((x) => x + 0.002 * random.normal()) },
    ]),
  );
}

function commit(path: string, more: Partial<CommitOptions> = {}): Promise<Committed> {
  return withModel(path, (marked) =>
    withModel(at("base"), (base) => commitRelease(marked, { key: KEY, base, threads: 0, toolVersion: "0", ...more })),
  );
}

function verify(path: string, more: Partial<CommittedOptions> = {}, basePath: string | null = at("base")) {
  const by = (base: CommittedOptions["base"]) =>
    withModel(path, (suspect) =>
      verifyCommitted(suspect, {
        ...{ commitment, holder: { key: KEY }, roots: null, firstSeen: null, threads: 0 },
        ...(base === undefined ? {} : { base }),
        ...more,
      }),
    );
  return basePath === null ? by(undefined) : withModel(basePath, by);
}

beforeAll(async () => {
  store("base", original);
  store("tuned", tuned(1));
  store("other", tuned(2));
  await withModel(at("base"), (base) => embedAt(at("tuned"), at("marked"), { key: KEY, base, rho: 0.05 }));
  made = await withModel(at("tuned"), (unmarked) => commit(at("marked"), { unmarked }));
  commitment = writeJson(at("commitment"), made.commitment);
});

describe("a commitment to a mark in the difference to a base", () => {
  test("says so, and which base", () => {
    const { model, mark } = made.commitment.statement;
    expect(mark).toMatchObject({ mode: "derivative", payloadBits: 0, payload: null });
    expect(mark.carriers).toContain("difference");
    expect(model).toMatchObject({ layers: LAYERS, sketch: null, base: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test("is found with the whole key, and with layers that were opened", async () => {
    const whole = await verify(at("marked"));
    expect(whole).toMatchObject({ opened: null, result: { present: true, mode: "derivative" } });
    const disclosure = disclose({
      commitment: made.commitment,
      key: KEY,
      choice: { challenge: CHALLENGE },
      opening: null,
    });
    const holder = { disclosure: writeJson(at("opened"), disclosure), challenge: CHALLENGE };
    const quarter = await verify(at("marked"), { holder });
    expect(quarter).toMatchObject({ opened: { of: LAYERS, isChallenged: true }, result: { present: true } });
    expect(quarter.result.log2P).toBeGreaterThan(whole.result.log2P);
    const layers = challengedLayers(commitmentDigest(made.commitment), LAYERS, CHALLENGE);
    const free = disclose({ commitment: made.commitment, key: KEY, choice: { layers }, opening: null });
    const freely = await verify(at("marked"), {
      holder: { disclosure: writeJson(at("free"), free), challenge: null },
    });
    expect(freely.result.log2P - quarter.result.log2P).toBeCloseTo(1, 9);
    const rest = await verify(at("marked"), { holder: { key: KEY, without: at("opened") } });
    expect(rest.result).toMatchObject({ present: true });
  });

  test("finds nothing in fine-tunes that were not marked", async () => {
    expect((await verify(at("other"))).result).toMatchObject({ present: false, payload: null });
  });

  test("is refused without its base, and with another one", async () => {
    await refusal(verify(at("marked"), {}, null), "COMMITMENT_MISMATCH");
    await refusal(verify(at("marked"), {}, at("other")), "COMMITMENT_MISMATCH");
    await refusal(commit(at("tuned")), "COMMITMENT_WITHOUT_MARK");
    await refusal(commit(at("marked"), { base: undefined }), "COMMITMENT_WITHOUT_MARK");
  });

  test("is refused with a base that was changed where samples do not look", async () => {
    const name = "model.layers.1.mlp.up_proj.weight";
    const values = Float32Array.from(original.get(name)!.values);
    values[UNSAMPLED]! += 0.001;
    store("fitted", new Map(original).set(name, { ...original.get(name)!, values }));
    const rootOf = (path: string) =>
      withModel(path, async (model) => (await fingerprintCheckpoint(model)).roots.sampled);
    expect(await rootOf(at("fitted"))).toBe(await rootOf(at("base")));
    await refusal(verify(at("marked"), {}, at("fitted")), "COMMITMENT_MISMATCH");
  });
});
