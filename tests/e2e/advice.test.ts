import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport, InspectReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { FOREIGN_HEADS } from "../support/foreign-heads.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { modelBytes, tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();

afterAll(() => server.stop());

beforeAll(() => {
  writeModel(at("base"), tinyModel(1));
  writeFileSync(at("base", "model.onnx"), Buffer.from(FOREIGN_HEADS[0]!.hex, "hex"));
  writeFileSync(at("cut.safetensors"), modelBytes(tinyModel(1)).subarray(0, 5000));
  writeFileSync(at("empty.safetensors"), "");
  writeFileSync(at("noise.bin"), Buffer.from(Float32Array.from({ length: 64 }, (_, i) => (i + 1) / 1024).buffer));
  const coreMl = FOREIGN_HEADS.find(({ kind }) => kind === "coreMl")!;
  writeFileSync(at("model.mlmodel"), Buffer.from(coreMl.hex, "hex"));
  writeFileSync(at("page.safetensors"), "<!doctype html><title>Sign in</title>");
  mkdirSync(at("hollow"));
  writeFileSync(at("bad.key"), "{}", { mode: 0o600 });
  copyFileSync(fileURLToPath(new URL("../../examples/demo.key", import.meta.url)), at("demo.key"));
  chmodSync(at("demo.key"), 0o600);
});

describe("a refusal says what to do next", () => {
  it.each<[string, string, string[]]>([
    ["USAGE", "an option that there is not", ["inspect", "base", "--nonsense"]],
    ["FILE_NOT_FOUND", "a model that is not there", ["inspect", "absent"]],
    ["NO_WEIGHTS", "a directory without weights", ["inspect", "hollow"]],
    ["EMPTY_FILE", "an empty file", ["inspect", "empty.safetensors"]],
    ["ST_DATA_TRUNCATED", "a cut file", ["inspect", "cut.safetensors"]],
    ["ST_HEADER_TOO_LARGE", "a file of nobody knows what", ["inspect", "noise.bin"]],
    ["UNSUPPORTED_CONTAINER", "another container", ["compare", "model.mlmodel", "base"]],
    ["HTML_PAGE", "a web page", ["fingerprint", "page.safetensors"]],
    ["OUTPUT_IS_INPUT", "an output among the inputs", ["inspect", "base", "-o", "base/model.safetensors", "--force"]],
    ["OUTPUT_EXISTS", "an output that is there", ["inspect", "base", "-o", "noise.bin"]],
    ["REGISTRY_NOT_FOUND", "a registry that is not there", ["identify", "base", "--registry", "nowhere"]],
    ["ARCHIVE_MALFORMED", "no archive", ["registry", "import", "noise.bin", "--registry", "new"]],
    ["HUB_NAME_INVALID", "no name of a repository", ["inspect", "hf:../x"]],
    ["HTTP_ADDRESS_INVALID", "an address that names no file", ["inspect", "https://example.org/"]],
    ["OFFLINE", "a model that is not in the cache", ["inspect", "hf:acme/base", "--offline"]],
    ["KEY_FILE_MALFORMED", "no key", ["watermark", "verify", "base", "--key", "bad.key"]],
    [
      "PAYLOAD_INVALID",
      "no payload",
      ["watermark", "embed", "base", "-o", "out", "--key", "demo.key", "--payload", "0x1"],
    ],
    ["TOKENIZER_UNUSABLE", "a model without a tokenizer", ["quality", "base", "base", "--text", "page.safetensors"]],
  ])("%s: %s", async (code, _, args) => {
    const asJson = await server.run([...args, "--json"], root);
    const { error } = requireValid<ErrorReport>("error@1", JSON.parse(asJson.stderr));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(/^[A-Z`].*[.?]$/);
    const asText = await server.run(args, root);
    expect(asText).toMatchObject({ exitCode: asJson.exitCode, stdout: "" });
    expect(asText.stderr.split("\n").slice(0, 2)).toEqual([expect.stringContaining(`(${code})`), error.detail]);
  });
});

describe("inspect", () => {
  it("names what stands beside the weights and is not read", async () => {
    const { stdout } = await server.run(["inspect", "base", "--json"], root);
    const report = requireValid<InspectReport>("inspect@1", JSON.parse(stdout));
    expect(report.notes).toEqual([
      'weights in other containers stand beside and were not read: "model.onnx" (an ONNX model)',
    ]);
    expect((await server.run(["inspect", "base"], root)).stdout).toContain('"model.onnx" (an ONNX model)');
  });
});
