import { existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { WatermarkCapacityReport } from "../../../src/report/schemas/index.ts";
import { gaussianLlama } from "../../support/spread-model.ts";
import { fileOf } from "../../support/stored-model.ts";
import { CONFIG, RHO, watermarkCommand } from "../../support/watermark-command.ts";

const { at, model, store, text, report, failure, embed } = watermarkCommand();

describe("capacity", () => {
  it("says what fits and how far that reaches", async () => {
    const found = await report<WatermarkCapacityReport>("watermark-capacity@1", ["capacity", model, ...RHO]);
    expect(found).toMatchObject({ rho: 0.02, mode: "release", payloadBits: 128 });
    expect(found.carriers.map(({ name, payloadBits }) => [name, payloadBits])).toEqual([
      ["orientation", 128],
      ["spread", 32],
    ]);
    for (const { decodesTo, detectsTo } of found.carriers) {
      expect(decodesTo).toBeLessThanOrEqual(0.9);
      expect(detectsTo).toBeLessThanOrEqual(decodesTo!);
    }
    const shown = await text(["capacity", model, ...RHO]);
    expect(shown).toMatch(/^a payload of up to 128 bits fits: .* strength 0\.02; moves the marked weights by 0\.02/);
    expect(shown).toMatch(/orientation +128 bits +[\d,]+ signs +z .*decoded to r 0\.\d+, found to r 0\.\d+/);
  });

  it("leaves the spread mark out where it is too weak, and warns of signs that stand alone", async () => {
    const found = await report<WatermarkCapacityReport>("watermark-capacity@1", ["capacity", model]);
    expect(found).toMatchObject({ rho: 0.002, payloadBits: 128, predictedRms: 0 });
    expect(found.carriers[1]).toMatchObject({ name: "spread", payloadBits: null, note: "too small for this mark" });
    expect(found.caveats[0]).toContain("orientation stands alone");
    expect(await text(["capacity", model])).toContain("turns signs, which changes no output");
    const strong = await report<WatermarkCapacityReport>("watermark-capacity@1", [
      "capacity",
      model,
      "--strength",
      "strong",
    ]);
    expect(strong.rho).toBe(0.004);
  });

  it("says that nothing fits", async () => {
    const tiny = store("tiny", fileOf(gaussianLlama(2, { width: 64, hidden: 64 })), {});
    const found = await report<WatermarkCapacityReport>("watermark-capacity@1", ["capacity", tiny]);
    expect(found).toMatchObject({ payloadBits: null, predictedRms: 0 });
    expect(await text(["capacity", tiny])).toMatch(/^no mark fits into this model/);
  });

  it("says why a config.json that is there names no architecture, and embed does", async () => {
    const broken = store("broken", fileOf(gaussianLlama(1, { layers: 2 })));
    const cases: [string, () => void][] = [
      ["it holds a comment", () => writeFileSync(at("broken", "config.json"), `${JSON.stringify(CONFIG)} // llama`)],
      ["it is not UTF-8", () => writeFileSync(at("broken", "config.json"), Buffer.from([0xff]))],
      [
        "a symbolic link leads out of the model's directory",
        () => {
          rmSync(at("broken", "config.json"));
          symlinkSync(at("model", "config.json"), at("broken", "config.json"));
        },
      ],
    ];
    for (const [why, damage] of cases) {
      damage();
      const problem = `config.json is there but cannot be used: ${why}`;
      const { carriers } = await report<WatermarkCapacityReport>("watermark-capacity@1", ["capacity", broken]);
      expect(carriers[0]).toMatchObject({ name: "orientation", payloadBits: null });
      expect(carriers[0]!.note).toContain(problem);
      const refused = await failure(embed(broken, "no"), 3);
      expect(refused).toMatchObject({ code: "MODEL_TOO_SMALL", file: broken });
      expect(refused.detail).toContain(problem);
    }
    rmSync(at("broken", "config.json"));
    expect((await failure(embed(broken, "no"), 3)).detail).toContain("there is no config.json");
    const named = await failure(embed(join(model, "model.safetensors"), "no"), 3);
    expect(named.detail).toContain("name its directory");
    expect(existsSync(at("no"))).toBe(false);
  });

  it("reads a config.json as Python writes it", async () => {
    const odd = store("odd", fileOf(gaussianLlama(1, { layers: 2 })));
    writeFileSync(at("odd", "config.json"), JSON.stringify(CONFIG).replace("{", '{"a": Infinity, "b": NaN, '));
    const capacity = (path: string) => report<WatermarkCapacityReport>("watermark-capacity@1", ["capacity", path]);
    const { carriers, payloadBits } = await capacity(odd);
    expect(payloadBits).toBe(128);
    expect(carriers).toEqual((await capacity(model)).carriers);
  });

  it("reads how large the difference to a base is", async () => {
    const args = ["capacity", at("tuned"), "--base", at("base")];
    const found = await report<WatermarkCapacityReport>("watermark-capacity@1", [...args, "--rho", "0.03"]);
    expect(found).toMatchObject({ rho: 0.03, mode: "derivative", predictedRms: 0.03 });
    expect(found.payloadBits).toBeGreaterThanOrEqual(0);
    expect(found.carriers.map(({ name }) => name)).toEqual(["difference", "subspace"]);
    const none = await report<WatermarkCapacityReport>("watermark-capacity@1", [...args, "--rho", "0.0001"]);
    expect(none).toMatchObject({ payloadBits: null, carriers: [], predictedRms: 0 });
  });
});
