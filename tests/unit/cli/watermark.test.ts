import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { digestOf } from "../../../src/registry/digest.ts";
import type {
  ErrorReport,
  WatermarkCapacityReport,
  WatermarkEmbedReport,
  WatermarkVerifyReport,
} from "../../../src/report/schemas/index.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { rawFile } from "../../support/raw-model.ts";
import { requireValid } from "../../support/schemas.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { gaussianLlama } from "../../support/spread-model.ts";
import { fileOf } from "../../support/stored-model.ts";

const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  num_hidden_layers: 2,
};
/** A model this small needs ten times the default strength to carry 32 bits. */
const RHO = ["--rho", "0.02"];

const root = scratchDirectory();
const at = (...path: string[]): string => join(root, ...path);
const output = capturedOutput();

function store(name: string, file: Uint8Array, config: Readonly<Record<string, unknown>> = CONFIG): string {
  mkdirSync(at(name), { recursive: true });
  writeFileSync(at(name, "model.safetensors"), file);
  writeFileSync(at(name, "config.json"), JSON.stringify(config));
  return at(name);
}

function lightlyTuned(base: Model): Model {
  const random = prng("light fine-tune");
  return new Map(
    [...base].map(([name, tensor]) => [
      name,
      tensor.shape.length === 2 && name.includes("layers")
        ? { ...tensor, values: tensor.values.map((x) => x + 2e-3 * random.normal()) }
        : tensor,
    ]),
  );
}

const KEY = ["--key", at("key")];
const THREADS = ["--threads", "0"];
const DERIVED = { width: 256, hidden: 384, layers: 2, vocabulary: 64, tied: true } as const;

async function text(args: readonly string[], exitCode = 0): Promise<string> {
  [output.stdout, output.stderr] = ["", ""];
  expect(await runCommandLine(["watermark", ...args, "--no-progress"]), output.stderr).toBe(exitCode);
  return output.stdout;
}

async function report<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
  return requireValid<T>(schema, JSON.parse(await text([...args, "--json"], exitCode)));
}

async function failure(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]> {
  expect(await text([...args, "--json"], exitCode)).toBe("");
  return requireValid<ErrorReport>("error@1", JSON.parse(output.stderr)).error;
}

const embed = (model: string, to: string, ...more: string[]): string[] => [
  "embed",
  model,
  "-o",
  at(to),
  ...KEY,
  ...THREADS,
  ...more,
];
const verify = (model: string, ...more: string[]): string[] => ["verify", model, ...KEY, ...THREADS, ...more];

let model = "";
beforeAll(async () => {
  vi.stubEnv("WEIGHTMARK_REGISTRY", at("nowhere"));
  const silent = vi.spyOn(process.stdout, "write").mockImplementation((...call: unknown[]) => {
    const done = call.at(-1);
    if (typeof done === "function") done();
    return true;
  });
  const run = async (...args: string[]) => expect(await runCommandLine(args), output.stderr).toBe(0);
  for (const key of ["key", "other-key"]) await run("key", "generate", "-o", at(key), "--no-passphrase");
  model = store("model", fileOf(gaussianLlama(1, { layers: 2 })));
  await run("watermark", ...embed(model, "marked", "--payload", "text:v1.0", ...RHO, "--no-progress"));
  const base = randomModel({ init: 1 }, DERIVED);
  store("base", fileOf(base), {});
  store("tuned", fileOf(lightlyTuned(base)), {});
  silent.mockRestore();
});

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

describe("embed", () => {
  it("writes a copy and its sketch, and says what they hold", async () => {
    const written = await report<WatermarkEmbedReport>(
      "watermark-embed@1",
      embed(model, "again", "--payload", "0x00c0ffee", ...RHO),
    );
    expect(written).toMatchObject({
      mode: "release",
      rho: 0.02,
      payload: { hex: "00c0ffee", text: null, bits: 32 },
      output: { directory: at("again"), files: 2 },
      sketch: { path: at("again.sketch") },
    });
    expect(readFileSync(at("again.sketch")).length).toBe(Number(written.sketch!.bytes));
    expect(readFileSync(at("again", "config.json"), "utf8")).toBe(JSON.stringify(CONFIG));
  });

  it("shows people the same, and writes no sketch when told so", async () => {
    const shown = await text(embed(model, "unsketched", "--no-sketch", "--payload", "ab", ...RHO));
    expect(shown).toMatch(/^marked: key [0-9a-f]{16}, payload ab000000 \(32 bits\)/);
    expect(shown).toMatch(/spread +32 bits +[\d,]+ weights +z .*moves the marked weights by 0\.02/);
    expect(shown).toMatch(/copy .*unsketched +2 files/);
    expect(shown).not.toContain("sketch  ");
    expect(existsSync(at("unsketched.sketch"))).toBe(false);
  });

  it("refuses a model that carries the key's mark", async () => {
    expect(await failure(embed(at("marked"), "twice"), 3)).toMatchObject({ code: "ALREADY_MARKED" });
    expect(existsSync(at("twice"))).toBe(false);
  });

  it("refuses quantised weights", async () => {
    const bytes = new Uint8Array(256 * 256).map((_, i) => i);
    const name = "model.layers.0.mlp.up_proj.weight";
    const int8 = store("int8", rawFile({ tensors: [{ name, dtype: "I8", shape: [256, 256], bytes }] }));
    for (const args of [embed(int8, "no"), ["capacity", int8]]) {
      expect(await failure(args, 3)).toMatchObject({ code: "QUANTIZED_WEIGHTS", tensor: name });
    }
  });

  it.each([
    ["no output", ["embed", "MODEL", ...KEY], "the directory for the marked copy is missing"],
    ["--force", ["embed", "MODEL", ...KEY, "-o", "x", "--force"], "a marked copy never replaces what is there"],
    ["no key", ["embed", "MODEL", "-o", "x"], "required option '--key <file>'"],
    ["two strengths", ["capacity", "MODEL", "--strength", "strong", "--rho", "0.01"], "cannot be used with"],
    ["an unknown strength", ["capacity", "MODEL", "--strength", "weak"], "Allowed choices are default, strong"],
    ["no ratio", ["capacity", "MODEL", "--rho", "lots"], "A number above 0, at most 0.05."],
    ["rho 0", ["capacity", "MODEL", "--rho", "0"], "A number above 0, at most 0.05."],
    ["rho .06", ["capacity", "MODEL", "--rho", "0.06"], "A number above 0, at most 0.05."],
    ["hexadecimal rho", ["capacity", "MODEL", "--rho", "0x1"], "A number above 0, at most 0.05."],
    ["--threads where none work", ["capacity", "MODEL", "--threads", "1"], "unknown option '--threads'"],
    ["an unknown level", ["verify", "MODEL", ...KEY, "--fail-on", "weak"], "Allowed choices are"],
  ])("refuses %s", async (_, args, message) => {
    const error = await failure(
      args.map((arg) => (arg === "MODEL" ? model : arg)),
      2,
    );
    expect(error.code).toBe("USAGE");
    expect(error.message).toContain(message);
  });

  it.each(["model", "key"])("does not write over the %s", async (input) => {
    expect(await failure(embed(model, input), 3)).toMatchObject({ code: "OUTPUT_IS_INPUT" });
  });

  it("refuses an output that exists before it reads the models", async () => {
    for (const more of [[], ["--base", at("base")]]) {
      expect(await failure(embed(at("tuned"), "marked", ...more), 3)).toMatchObject({ code: "OUTPUT_EXISTS" });
    }
  });

  it("refuses keys it cannot use", async () => {
    const withKey = (name: string) => ["verify", model, "--key", at(name)];
    expect(await failure(withKey("absent"), 3)).toMatchObject({ code: "FILE_NOT_FOUND" });
    writeFileSync(at("damaged"), "{}", { mode: 0o600 });
    expect(await failure(withKey("damaged"), 3)).toMatchObject({ code: "KEY_FILE_MALFORMED" });
    if (process.platform === "win32") return;
    copyFileSync(at("key"), at("open-key"));
    chmodSync(at("open-key"), 0o644);
    expect(await failure(withKey("open-key"), 3)).toMatchObject({ code: "KEY_FILE_PERMISSIONS" });
  });

  it.each([
    ["", "PAYLOAD_INVALID"],
    ["0xabc", "PAYLOAD_INVALID"],
    ["a text of more than 16 bytes", "PAYLOAD_TOO_LONG"],
    ["0x00112233445566778899aabbccddeeff00", "PAYLOAD_TOO_LONG"],
  ])("refuses the payload %j", async (payload, code) => {
    expect((await failure(embed(model, "no", "--payload", payload), 2)).code).toBe(code);
    expect(existsSync(at("no"))).toBe(false);
  });
});

describe("embed beside a registry", () => {
  const registered = async (...models: string[]): Promise<string> => {
    const registry = at(`registry-${models.length}`);
    expect(await runCommandLine(["registry", "add", ...models, "--registry", registry])).toBe(0);
    return registry;
  };

  it("refuses what is public, unless it is said that it never was", async () => {
    const registry = await registered(model, at("base"));
    const args = ["--registry", registry, ...RHO];
    const refused = await failure(embed(model, "public", ...args), 3);
    expect(refused).toMatchObject({ code: "PUBLIC_BASE", message: "the model is equal to the registered base model" });
    expect(existsSync(at("public"))).toBe(false);
    await report("watermark-embed@1", embed(model, "unpublished", ...args, "--unpublished", "--no-sketch"));
  });

  it("marks what no registered base explains", async () => {
    const registry = await registered(at("base"));
    await report("watermark-embed@1", embed(model, "own", "--registry", registry, "--no-sketch"));
  });

  it("says when there was no registry to ask, and misses one that is named", async () => {
    await text(embed(model, "unasked", "--no-sketch", "--verbose"));
    expect(output.stderr).toContain("no base is registered");
    const missing = await failure(embed(model, "no", "--registry", at("nowhere")), 3);
    expect(missing.code).toBe("REGISTRY_NOT_FOUND");
  });
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
