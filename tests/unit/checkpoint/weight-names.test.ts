import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { openRemote } from "../../../src/checkpoint/remote-environment.ts";
import { fingerprintNameOf, namesFingerprint, namesWeights } from "../../../src/cli/weight-names.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { isFingerprintName, isWeightName } from "../../../src/formats/safetensors/file-name.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import { type Found, isItem } from "../../../src/scan/inputs.ts";
import { startHub } from "../../support/hub/hub.mjs";
import { refusal } from "../../support/refusal.ts";
import { inputsOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const SOURCE = join(import.meta.dirname, "../../../src");

function weights(...names: string[]): Buffer {
  const tensors = names.map((name, i) => ({ name, dtype: "U8" as const, shape: [1], data: Uint8Array.of(i) }));
  return Buffer.from(serializeSafetensors(tensors));
}

const index = (map: Readonly<Record<string, string>>) =>
  Buffer.from(JSON.stringify({ metadata: { total_size: Object.keys(map).length }, weight_map: map }));

function folder(files: Readonly<Record<string, Uint8Array>>): string {
  const directory = temporaryDirectory();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  return directory;
}

async function filesRead(location: string): Promise<string[]> {
  const checkpoint = await openCheckpoint(location);
  await checkpoint.close();
  return checkpoint.files.map(({ path }) => path);
}

async function scanned(location: string): Promise<string[]> {
  const all: Found[] = [];
  for await (const one of enumerateTargets(inputsOf(location), { include: [], exclude: [], remote: null }))
    all.push(one);
  return all.map((one) => (isItem(one) ? `${one.name} ${one.failure?.code}` : one.name));
}

describe("names of safetensors files", () => {
  it.each([
    ["model.safetensors", true],
    ["MODEL.SAFETENSORS", true],
    ["model.Safetensors", true],
    ["ae.sft", true],
    ["AE.SFT", true],
    ["model.safetensors.part", false],
    ["safetensors", false],
    ["x.sftp", false],
  ])("%s: %s", (name, expected) => {
    expect(isWeightName(name)).toBe(expected);
    expect(namesWeights(name)).toBe(expected);
  });

  it("tell fingerprints, before the library is loaded and after", () => {
    for (const name of ["a.fingerprint.safetensors", "A.FINGERPRINT.SAFETENSORS", "a.fingerprint.sft", "a.sft", "f"]) {
      expect(namesFingerprint(name)).toBe(isFingerprintName(name));
    }
    expect(isFingerprintName("a.Fingerprint.Safetensors")).toBe(true);
  });

  it.each([
    ["model.safetensors", "model.fingerprint.safetensors"],
    ["AE.SFT", "AE.fingerprint.safetensors"],
    ["model.Safetensors", "model.fingerprint.safetensors"],
    ["org/model@abc", "org--model@abc.fingerprint.safetensors"],
    ["v1.5", "v1.5.fingerprint.safetensors"],
  ])("give the fingerprint of %s the name %s", (model, expected) => {
    expect(fingerprintNameOf(model)).toBe(expected);
  });

  it("are told in one place", () => {
    const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const tests =
      /(?:endsWith|slice|replace|test|exec)\([^)\n]*\.(?:safetensors|sft)|\/[^/\n]*\\\.\(?(?:\?:)?safetensors/;
    const found = files.filter((name) => tests.test(readFileSync(join(SOURCE, name), "utf8")));
    // What a copy leaves behind is told by a list of many kinds of files.
    const others = found.filter((name) => !name.startsWith("watermark/copy/"));
    expect(others.sort()).toEqual([
      "checkpoint/index-name.ts",
      "checkpoint/numbered-shards.ts",
      "cli/weight-names.ts",
      "formats/safetensors/file-name.ts",
    ]);
  });
});

describe("a directory of files that are called otherwise", () => {
  it.each(["MODEL.SAFETENSORS", "model.Safetensors", "ae.sft", "AE.SFT"])("holds the model %s", async (name) => {
    const directory = folder({ [`m/${name}`]: weights("a") });
    expect(await filesRead(join(directory, "m"))).toEqual([name]);
    expect(await scanned(directory)).toEqual(["m"]);
    const error = await refusal(openCheckpoint(directory), "NO_WEIGHTS");
    expect(error.detail).toBe(`Name one of the models below it: ${join(directory, "m")}.`);
  });

  it("holds what loaders would take of several", async () => {
    const directory = folder({ "MODEL.SAFETENSORS": weights("a"), "ae.sft": weights("b") });
    expect(await filesRead(directory)).toEqual(["MODEL.SAFETENSORS"]);
    expect((await scanned(directory)).slice(1)).toEqual(["ae.sft"]);
    await refusal(
      openCheckpoint(folder({ "a.sft": weights("a"), "b.safetensors": weights("b") })),
      "AMBIGUOUS_CHECKPOINT",
    );
    expect(await filesRead(folder({ "v1.sft": weights("a"), "v1-pruned.SFT": weights("a") }))).toEqual(["v1.sft"]);
  });

  it.each([
    ["M-00001-OF-00002.SAFETENSORS", "M-00002-OF-00002.SAFETENSORS"],
    ["m-00001-of-00002.sft", "m-00002-of-00002.sft"],
    ["m-00001-of-00002.safetensors", "m-00002-of-00002.Safetensors"],
  ])("holds the numbered set of %s and %s", async (one, two) => {
    const directory = folder({ [one]: weights("a"), [two]: weights("b") });
    expect(await filesRead(directory)).toEqual([one, two]);
    expect(await filesRead(join(directory, two))).toEqual([one, two]);
    expect(await scanned(directory)).toHaveLength(1);
    const half = await refusal(openCheckpoint(folder({ [one]: weights("a") })), "SHARD_MISSING");
    expect(half.message).toBe(`1 of 2 shards are here; ${JSON.stringify(one.replace("00001", "00002"))} is not`);
  });

  it.each([
    ["MODEL.SAFETENSORS.INDEX.JSON", "MODEL-00001-OF-00002.SAFETENSORS"],
    ["m.sft.index.json", "m-00001-of-00002.sft"],
    ["m.safetensors.index.json", "m-00001-of-00002.sft"],
  ])("is what the index %s says it is", async (name, one) => {
    const two = one.replace("00001", "00002");
    const planted = one.replace("00001", "00002").replace(/^M/i, "x");
    const files = { [one]: weights("a"), [two]: weights("b"), "elsewhere.SFT": weights("b"), [planted]: weights("c") };
    const directory = folder({ ...files, [name]: index({ a: one, b: "elsewhere.SFT" }) });
    const expected = [one, "elsewhere.SFT"];
    expect(await filesRead(directory)).toEqual(expected);
    expect(await filesRead(join(directory, name))).toEqual(expected);
    expect(await filesRead(join(directory, one))).toEqual(expected);
  });

  it("takes no fingerprint beside the weights for a model", async () => {
    const directory = folder({ "AE.SFT": weights("a"), "AE.FINGERPRINT.SAFETENSORS": weights("f") });
    expect(await filesRead(directory)).toEqual(["AE.SFT"]);
    expect(await scanned(directory)).toHaveLength(1);
  });
});

describe("a repository of files that are called otherwise", () => {
  async function hubWith(files: Readonly<Record<string, Uint8Array>>) {
    const hub = await startHub({ repositories: new Map([["acme/m", { files }]]) });
    onTestFinished(() => hub.close());
    const remote = await openRemote({ endpoint: hub.endpoint, token: null, hubCache: null, offline: false });
    onTestFinished(() => remote.client.close());
    return remote;
  }

  it("is opened and scanned as a copy of it would be", async () => {
    const remote = await hubWith({
      "AE.SFT": weights("a"),
      "vae/MODEL.SAFETENSORS": weights("b"),
      "README.md": Buffer.from("x"),
    });
    const checkpoint = await openCheckpoint("hf:acme/m", { remote });
    await checkpoint.close();
    expect(checkpoint.files.map(({ path }) => path)).toEqual(["AE.SFT"]);
    const names: string[] = [];
    for await (const one of enumerateTargets(inputsOf("hf:acme/m"), { include: [], exclude: [], remote })) {
      names.push(`${one.name} ${isItem(one) ? one.failure?.code : ""}`.trim());
    }
    expect(names).toEqual(["acme/m", "acme/m/vae"]);
  });

  it.each<[string, ErrorCode]>([["a\u202e.SFT", "SHARD_PATH_REFUSED"]])("refuses %j", async (name, code) => {
    const remote = await hubWith({ "model.safetensors": weights("a"), [name]: weights("b") });
    await refusal(openCheckpoint("hf:acme/m", { remote }), code);
  });
});
