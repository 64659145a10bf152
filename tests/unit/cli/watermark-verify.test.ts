import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/registry/digest.ts";
import type { WatermarkEmbedReport, WatermarkVerifyReport } from "../../../src/report/schemas/index.ts";
import { THREADS, watermarkCommand } from "../../support/watermark-command.ts";

const { at, model, generateKey, markModel, text, report, failure, embed, verify } = watermarkCommand();

beforeAll(async () => {
  await generateKey("other-key");
  await markModel();
});

describe("verify", () => {
  it("finds the mark, reads the payload and ranks the key first", async () => {
    const found = await report<WatermarkVerifyReport>("watermark-verify@1", verify(at("marked")));
    expect(found).toMatchObject({
      present: true,
      level: "forensic",
      payload: { text: "v1.0", how: "decoded" },
      decoys: { rank: 1 },
      alignment: null,
    });
    const shown = await text(verify(at("marked")));
    expect(shown).toMatch(/^forensic: mark of key [0-9a-f]{16} found/);
    expect(shown).toMatch(/p <= 2\^-\d+, corrected for 2\^\d+ hypotheses/);
    expect(shown).toContain(`payload ${Buffer.from("v1.0").toString("hex")} (32 bits, "v1.0"), decoded`);
  });

  it("confirms a claimed payload and contradicts a wrong one", async () => {
    expect(await text(verify(at("marked"), "--payload", "v1.0"))).toContain('"v1.0"), claimed');
    expect(await text(verify(at("marked"), "--payload", "v2.0"))).toContain("the claimed payload is not what the mark");
  });

  it("finds nothing with another key, and no mark in the original", async () => {
    for (const args of [["verify", at("marked"), "--key", at("other-key"), ...THREADS], verify(model)]) {
      const found = await report<WatermarkVerifyReport>("watermark-verify@1", args);
      expect(found).toMatchObject({ present: false, level: "none", payload: null });
    }
    expect(await text(verify(model))).toMatch(/^not found: mark of key [0-9a-f]{16} not found/);
  });

  it.each([
    ["marked", "evidence", 1],
    ["marked", "strong", 1],
    ["marked", "forensic", 1],
    ["marked", "absent", 0],
    ["model", "evidence", 0],
    ["model", "absent", 1],
  ])("of %s with --fail-on %s exits with %i", async (name, level, exitCode) => {
    await report("watermark-verify@1", verify(at(name), "--fail-on", level), exitCode);
  });

  it("lays the suspect beside the sketch", async () => {
    const args = verify(at("marked"), "--reference", at("marked.sketch"));
    const found = await report<WatermarkVerifyReport>("watermark-verify@1", args);
    expect(found).toMatchObject({ present: true, alignment: { layers: 2, layersMatched: 2, tried: 1 } });
    expect(found.carriers.every(({ synchronised }) => synchronised)).toBe(true);
    const sketch = { location: at("marked.sketch"), digest: digestOf(readFileSync(at("marked.sketch"))) };
    expect(found.inputs).toMatchObject({ base: null, reference: sketch, tokenizer: null });
    expect(found.caveats).toContainEqual(expect.stringMatching(/whoever chooses the sketch can fit it/));
    const shown = await text(args);
    expect(shown).toMatch(/2 of 2 layers found, agreement .*; residual axis: /);
    expect(shown).toMatch(/whoever chooses the sketch can fit it/);
    expect(shown).toContain(sketch.digest);
    const broken = verify(at("marked"), "--reference", at("marked", "model.safetensors"));
    expect(await failure(broken, 3)).toMatchObject({ code: "SKETCH_MALFORMED" });
  });

  it("takes the tokenizer that is named, or says that it names no tokens", async () => {
    const tokenizer = at("tokenizer.json");
    writeFileSync(tokenizer, JSON.stringify({ model: { vocab: { a: 0, b: 1 } } }));
    const found = await report<WatermarkVerifyReport>(
      "watermark-verify@1",
      verify(at("marked"), "--tokenizer", tokenizer),
    );
    expect(found.inputs.tokenizer).toEqual({ location: tokenizer, digest: digestOf(readFileSync(tokenizer)) });
    const wrong = verify(at("marked"), "--tokenizer", at("marked", "config.json"));
    expect(await failure(wrong, 3)).toMatchObject({ code: "TOKENIZER_UNUSABLE" });
  });
});

describe("derivative mode", () => {
  const BASE = ["--base", at("base")];

  it("marks the difference and finds it there, with the base alone", async () => {
    const written = await report<WatermarkEmbedReport>(
      "watermark-embed@1",
      embed(at("tuned"), "tuned-marked", ...BASE, "--rho", "0.05"),
    );
    expect(written).toMatchObject({ mode: "derivative", rho: 0.05, payload: null, sketch: null });
    expect(written.carriers.map(({ name }) => name)).toEqual(["difference", "subspace"]);
    const found = await report<WatermarkVerifyReport>("watermark-verify@1", verify(at("tuned-marked"), ...BASE));
    expect(found).toMatchObject({ present: true, mode: "derivative", decoys: { rank: 1 } });
    expect(found.caveats).toContainEqual(expect.stringMatching(/whoever chooses the base can fit it/));
    expect(await text(verify(at("tuned-marked"), ...BASE))).toContain(found.inputs.base!.digest);
    const z = found.carriers.find(({ name }) => name === "difference")!.statistic;
    expect(z / written.carriers[0]!.achieved).toBeCloseTo(1, 6);
    expect(await report("watermark-verify@1", verify(at("tuned"), ...BASE))).toMatchObject({ present: false });
    const again = embed(at("tuned-marked"), "tuned-twice", ...BASE);
    expect(await failure(again, 3)).toMatchObject({ code: "ALREADY_MARKED" });
  });

  it("says what a difference cannot carry", async () => {
    const weak = [...BASE, "--rho", "0.0001"];
    expect(await failure(embed(at("tuned"), "no", ...weak), 3)).toMatchObject({ code: "MODEL_TOO_SMALL" });
    const long = embed(at("tuned"), "no", ...weak, "--payload", "v1.0");
    expect(await failure(long, 2)).toMatchObject({ code: "PAYLOAD_TOO_LONG" });
    expect(existsSync(at("no"))).toBe(false);
  });

  it("needs no sketch, and a base of the same shape", async () => {
    const sketch = verify(at("tuned"), ...BASE, "--reference", at("marked.sketch"));
    expect(await failure(sketch, 2)).toMatchObject({ code: "USAGE" });
    expect(await failure(embed(model, "no", ...BASE), 3)).toMatchObject({ code: "BASE_MISMATCH" });
  });
});
