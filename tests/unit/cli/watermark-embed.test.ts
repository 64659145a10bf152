import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import type { WatermarkEmbedReport } from "../../../src/report/schemas/index.ts";
import { rawFile } from "../../support/raw-model.ts";
import { CONFIG, RHO, watermarkCommand } from "../../support/watermark-command.ts";

const { at, output, model, KEY, store, markModel, text, report, failure, embed } = watermarkCommand();

beforeAll(markModel);

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
