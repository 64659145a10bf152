import { chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isTemporaryName, temporaryName } from "../../../src/bytes/temporary-name.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import { describeInputs, type Found, isItem, type ScanInputs } from "../../../src/scan/inputs.ts";
import { nameFilter } from "../../../src/scan/name-filter.ts";
import { defaultCacheDirectory, defaultJournalPath } from "../../../src/scan/places.ts";
import { openScanList } from "../../../src/scan/scan-list.ts";
import { leaveBehind, onLinux } from "../../support/left-behind.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { refusal } from "../../support/refusal.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { inputsOf, modelTree } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function found(inputs: ScanInputs, include: readonly string[] = [], exclude: readonly string[] = []) {
  const all: Found[] = [];
  for await (const one of enumerateTargets(inputs, { include, exclude, remote: null })) all.push(one);
  return all;
}

const shown = (all: readonly Found[]) =>
  all.map((one) => (isItem(one) ? `${one.name} ${one.failure?.code}` : one.name));

async function* bytes(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece, "utf8") : piece;
}

describe("a local tree", () => {
  it("is walked directory by directory in code-unit order; a model is a directory with weights in it", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["b", "B", "a/deep/er", "a", "_", "a/deep-er"]);
    mkdirSync(join(root, "empty/in/side"), { recursive: true });
    writeFileSync(join(root, "README.md"), "");
    mkdirSync(join(root, "torch"));
    writeFileSync(join(root, "torch/pytorch_model.bin"), "");
    expect(shown(await found(inputsOf(root)))).toEqual(["B", "_", "a", "a/deep/er", "a/deep-er", "b", "torch"]);
    const [first] = await found(inputsOf(root));
    expect(first).toMatchObject({
      id: join(root, "B"),
      location: join(root, "B"),
      revision: null,
      content: null,
      bytes: 1,
    });
  });

  it("takes each file of a collection for a model, whatever its container", async () => {
    const root = join(temporaryDirectory(), "models");
    const files: Record<string, readonly string[]> = {
      mixed: ["a.safetensors", "b.safetensors", "c.gguf", "mmproj-c.gguf", "d.pt", "e.onnx", "f.h5"],
      others: ["a.pt", "b.npz", "c-00001-of-00002.pt", "c-00002-of-00002.pt"],
      model: ["model.safetensors", "pytorch_model.bin", "model.onnx"],
      left: ["a.safetensors", "b.safetensors", "c.h5"],
      single: ["trained.pt"],
    };
    for (const [folder, names] of Object.entries(files)) {
      mkdirSync(join(root, folder), { recursive: true });
      for (const name of names) writeFileSync(join(root, folder, name), "x");
    }
    const all = await found(inputsOf(root));
    expect(shown(all)).toEqual([
      "left/a.safetensors",
      "left/b.safetensors",
      "mixed/a.safetensors",
      "mixed/b.safetensors",
      "mixed/c.gguf",
      "mixed/d.pt",
      "mixed/e.onnx",
      "model",
      "others/a.pt",
      "others/b.npz",
      "others/c-00001-of-00002.pt",
      "single",
    ]);
    const notes = new Map(all.map((one) => [one.name, isItem(one) ? null : (one.notes ?? []).join()]));
    expect(notes.get("mixed/a.safetensors")).toBe("");
    expect(notes.get("mixed/c.gguf")).toContain('not read: "f.h5", "mmproj-c.gguf"');
    expect(notes.get("left/a.safetensors")).toContain('not read: "c.h5"');
    expect(notes.get("model")).toContain('not read: "model.onnx", "pytorch_model.bin"');
  });

  it("holds no model that is still being written, or that a killed process left", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["m", temporaryName(), ".hidden"]);
    expect(shown(await found(inputsOf(root)))).toEqual([".hidden", "m"]);
  });

  it("names the root itself, and a file of it", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["m"]);
    expect(shown(await found(inputsOf(join(root, "m"), join(root, "m/model.safetensors"))))).toEqual([
      "m",
      "model.safetensors",
    ]);
  });

  it("says what is not there, and what cannot be looked into", async () => {
    const root = temporaryDirectory();
    expect(shown(await found(inputsOf(join(root, "nowhere"), root)))).toEqual([
      "nowhere FILE_NOT_FOUND",
      expect.stringContaining("NO_WEIGHTS"),
    ]);
    if (process.getuid?.() === 0) return;
    mkdirSync(join(root, "secret"));
    chmodSync(join(root, "secret"), 0);
    expect(shown(await found(inputsOf(root)))).toEqual(["secret FILE_UNREADABLE"]);
  });

  it("is not left by links, nor walked in circles", async () => {
    const directory = temporaryDirectory();
    const root = modelTree(join(directory, "models"), ["m"]);
    modelTree(join(directory, "outside"), ["x"]);
    symlinkSync("../outside/x", join(root, "out"));
    symlinkSync(".", join(root, "self"));
    symlinkSync("..", join(root, "m", "up"));
    symlinkSync("nowhere", join(root, "broken"));
    symlinkSync("loop", join(root, "loop"));
    symlinkSync("m", join(root, "same"));
    const all = await found(inputsOf(root));
    expect(shown(all)).toEqual(["out PATH_ESCAPES_ROOT", "same", "m"]);
    expect(all[0]).toMatchObject({ status: "skipped" });
    const [, same, model] = all;
    expect(same).toMatchObject({ identity: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((same as { identity: string }).identity).toBe((model as { identity: string }).identity);
  });

  it("knows hard links for one model, and copies for two", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["a", "copy"]);
    mkdirSync(join(root, "link"));
    linkSync(join(root, "a/model.safetensors"), join(root, "link/model.safetensors"));
    const [a, copy, link] = (await found(inputsOf(root))) as { identity: string }[];
    expect(link!.identity).toBe(a!.identity);
    expect(copy!.identity).not.toBe(a!.identity);
  });

  it.runIf(process.platform === "linux")("hides nothing behind names that are no UTF-8", async () => {
    const root = temporaryDirectory();
    for (const name of [Buffer.of(0x78, 0xff), Buffer.from("x\ufffd"), Buffer.of(0x78, 0xfe)]) {
      const directory = Buffer.concat([Buffer.from(`${root}/`), name]);
      mkdirSync(directory);
      writeFileSync(Buffer.concat([directory, Buffer.from("/model.safetensors")]), "");
    }
    const models = await found(inputsOf(root));
    expect(models.map(({ id }) => id)).toEqual(["x\udcfe", "x\udcff", "x\ufffd"].map((name) => join(root, name)));
    for (const model of models) expect(model).toMatchObject({ identity: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it("takes no two models for one because they share an index", async () => {
    const root = temporaryDirectory();
    const index = "model.safetensors.index.json";
    for (const name of ["a", "b"]) mkdirSync(join(root, name, "shards"), { recursive: true });
    const shard = "model-00001-of-00001.safetensors";
    writeFileSync(join(root, "a", index), JSON.stringify({ weight_map: { x: shard } }));
    linkSync(join(root, "a", index), join(root, "b", index));
    for (const inputs of [inputsOf(root), inputsOf(join(root, "a", index), join(root, "b", index))]) {
      const models = await found(inputs);
      expect(models).toMatchObject([
        { identity: null, bytes: null },
        { identity: null, bytes: null },
      ]);
    }
    writeFileSync(join(root, "a", shard), "weights");
    linkSync(join(root, "a", shard), join(root, "b", shard));
    const [a, b] = (await found(inputsOf(root))) as { identity: string }[];
    expect(a!.identity).toMatch(/^[0-9a-f]{64}$/);
    expect(b!.identity).toBe(a!.identity);
  });

  it("walks the cache of a Hub client: snapshots are models, blobs are not", async () => {
    const root = join(temporaryDirectory(), "hub");
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const repository = join(root, "models--acme--llama--tuned");
    mkdirSync(join(repository, "blobs"), { recursive: true });
    mkdirSync(join(repository, "snapshots", commit), { recursive: true });
    const digest = "5".repeat(64);
    writeFileSync(join(repository, "blobs", digest), "weights");
    symlinkSync(`../../blobs/${digest}`, join(repository, "snapshots", commit, "model.safetensors"));
    const [target, ...others] = await found(inputsOf(root));
    expect(others).toEqual([]);
    expect(target).toMatchObject({ name: "acme/llama--tuned@0123456", revision: commit, content: null, bytes: 7 });
    const remote = { hubCache: root } as never;
    const trusted: Found[] = [];
    for await (const one of enumerateTargets(inputsOf(root), { include: [], exclude: [], remote })) trusted.push(one);
    // Only this machine's own cache is believed: elsewhere a file may be called by another's digest.
    expect(trusted[0]).toMatchObject({ content: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it("takes what its names say, and failures whatever they are called", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["llama/a", "llama/b", "qwen/a"]);
    expect(shown(await found(inputsOf(root), ["llama/*"]))).toEqual(["llama/a", "llama/b"]);
    expect(shown(await found(inputsOf(root), [], ["llama/**"]))).toEqual(["qwen/a"]);
    expect(shown(await found(inputsOf(root, NOWHERE), ["zzz"]))).toEqual([`${basename(NOWHERE)} FILE_NOT_FOUND`]);
  });
});

describe("globs", () => {
  it.each([
    ["a", "x/a", true],
    ["a", "a/x", false],
    ["*-GGUF", "acme/llama-GGUF", true],
    ["acme/*", "acme/llama", true],
    ["acme/*", "acme/llama/unet", false],
    ["acme/**", "acme/llama/unet", true],
    ["**/unet", "unet", true],
    ["a/**/z", "a/z", true],
    ["a/**/z", "a/b/c/z", true],
    ["a/**/z", "a/b/c", false],
    ["l?ama", "llama", true],
    ["l?ama", "l/ama", false],
    ["llama-[0-9]*", "llama-7b", true],
    ["llama-[!0-9]*", "llama-7b", false],
    ["{llama,qwen}-*", "qwen-2", true],
    ["{llama,qwen}-*", "gemma-2", false],
    ["{a,}b", "b", true],
    ["\\*", "*", true],
    ["\\*", "x", false],
    ["a[", "a[", true],
    ["{a", "{a", true],
    ["?", "\u{1f600}", true],
    ["", "a", false],
  ])("%s on %s: %s", (glob, name, expected) => {
    expect(nameFilter({ include: [glob], exclude: [] })(name)).toBe(expected);
    expect(nameFilter({ include: [], exclude: [glob] })(name)).toBe(!expected);
  });

  it("take no longer for a name that was made for them", () => {
    const isWanted = nameFilter({ include: [`${"*a".repeat(50)}b`, `${"**/a/".repeat(20)}b`], exclude: [] });
    expect(isWanted("a".repeat(5000))).toBe(false);
    expect(isWanted("a/".repeat(2000))).toBe(false);
  });

  it("have a bounded number of alternatives", () => {
    expect(() => nameFilter({ include: ["{a,b}".repeat(11)], exclude: [] })).toThrow(/alternatives/);
  });
});

describe("a list", () => {
  async function locationsOf(...pieces: (string | Uint8Array)[]): Promise<string[]> {
    const list = await openScanList(bytes(...pieces), "standard input");
    try {
      const first: string[] = [];
      for await (const one of list.locations()) first.push(one);
      expect(list.count).toBe(first.length);
      return first;
    } finally {
      await list.close();
    }
  }

  it("has a location a line, remarks, and JSON", async () => {
    const text =
      '\ufeff# models\r\n\r\nhf:acme/a\r\n  /models/b  \n{"location": "/models/\\u2028#c", "note": 1}\n/last';
    expect(await locationsOf(text)).toEqual(["hf:acme/a", "/models/b", "/models/\u2028#c", "/last"]);
    const pieces = [...Buffer.from("/modèles/é\n/b\n", "utf8")].map((byte) => Uint8Array.of(byte));
    expect(await locationsOf(...pieces)).toEqual(["/modèles/é", "/b"]);
    expect(await locationsOf("")).toEqual([]);
  });

  it.each([
    ["a line without end", ["x".repeat(70_000)], 1],
    ["a line without end in pieces", ["a\n", ...Array.from({ length: 70 }, () => "x".repeat(1000))], 2],
    ["what is no UTF-8", ["a\n", Uint8Array.of(0xff, 0x0a)], 2],
    ["broken JSON", ['{"location": '], 1],
    ["JSON without a location", ["a\nb\n{}\n"], 3],
    ["a location that is a number", ['{"location": 5}'], 1],
    ["U+0000", ["a\0b"], 1],
  ])("is refused with %s, and the line is named", async (_, pieces, line) => {
    const error = await refusal(openScanList(bytes(...pieces), "list.txt"), "SCAN_LIST_INVALID");
    expect(error.message).toContain(`line ${line} `);
    expect(error.file).toBe("list.txt");
  });

  it.runIf(onLinux)(
    "is kept under a name that tells whose it is, and goes with the next list when that was killed",
    async () => {
      const directory = temporaryDirectory();
      for (const name of ["TMPDIR", "TMP", "TEMP"]) vi.stubEnv(name, directory);
      onTestFinished(() => void vi.unstubAllEnvs());
      const left = leaveBehind(directory);
      const list = await openScanList(bytes("/a"), "-");
      const [kept, ...others] = readdirSync(directory);
      expect(others).toEqual([]);
      expect(kept).not.toBe(left);
      expect(isTemporaryName(kept!)).toBe(true);
      await list.close();
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it("has the same digest when it names the same, and can be read twice", async () => {
    const path = join(temporaryDirectory(), "list");
    writeFileSync(path, "# mine\n/a\r\n/b\n");
    const [one, two] = [await openScanList(path, path), await openScanList(bytes("/a\n/b"), "-")];
    expect(one.digest).toBe(two.digest);
    expect((await openScanList(bytes("/a\n/c"), "-")).digest).not.toBe(one.digest);
    const root = modelTree(join(temporaryDirectory(), "models"), ["m"]);
    const list = await openScanList(bytes(`${root}/m\n${NOWHERE}\n`), "-");
    for (let round = 0; round < 2; round++) {
      expect(shown(await found({ locations: [], organisations: [], list }))).toEqual([
        "m",
        `${basename(NOWHERE)} FILE_NOT_FOUND`,
      ]);
    }
    await refusal(openScanList(NOWHERE, NOWHERE), "FILE_NOT_FOUND");
    await refusal(openScanList(temporaryDirectory(), "x"), "NOT_A_REGULAR_FILE");
  });
});

describe("addresses", () => {
  it("with a query or a password are refused, and neither is kept", async () => {
    const [item] = await found(inputsOf("https://example.org/m.safetensors?X-Amz-Signature=s3cret#f"));
    expect(item).toMatchObject({ status: "failed", failure: { code: "HTTP_ADDRESS_INVALID" } });
    expect(JSON.stringify(item)).not.toContain("s3cret");
    for (const location of [
      "https://u:s3cret@example.org/m.safetensors",
      "https://u:s3c/ret@example.org/m.safetensors",
    ]) {
      const [refused] = await found(inputsOf(location));
      expect(refused).toMatchObject({ status: "failed", failure: { code: "HTTP_ADDRESS_INVALID" } });
      expect(refused!.id).toBe("https://example.org/m.safetensors (refused)");
      expect(JSON.stringify([refused, describeInputs(inputsOf(location))])).not.toMatch(/s3c/);
    }
    expect(describeInputs(inputsOf("https://example.org/@a/m?s3cret", "./u:p@a?"))).toEqual([
      "https://example.org/@a/m",
      "./u:p@a?",
    ]);
    const [target] = await found(inputsOf("https://example.org/m.safetensors"));
    expect(target).toMatchObject({ id: "https://example.org/m.safetensors", name: "example.org/m.safetensors" });
    // What is refused hides nothing.
    expect(item!.id).not.toBe(target!.id);
  });
});

describe("places", () => {
  const home = { platform: "linux" as const, home: "/home/u" };

  it("are the user's own, by the rules of the platform", () => {
    expect(defaultCacheDirectory({ ...home, env: {} })).toBe(join("/home/u", ".cache", "weightmark"));
    expect(defaultCacheDirectory({ ...home, env: { XDG_CACHE_HOME: "/c" } })).toBe(join("/c", "weightmark"));
    const journal = defaultJournalPath(parametersOf(), { ...home, env: { XDG_STATE_HOME: "/s" } });
    expect(journal).toMatch(/^.s.weightmark.scans.[0-9a-f]{32}\.jsonl$/);
  });

  it("ask for a home directory only where nothing else names a place", () => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      const of = (env: Record<string, string>) => ({ env, platform, home: null });
      const refused = expect.objectContaining({ code: "NO_HOME_DIRECTORY", kind: "usage" });
      expect(() => defaultCacheDirectory(of({}))).toThrow(refused);
      expect(() => defaultJournalPath(parametersOf(), of({}))).toThrow(refused);
      expect(defaultCacheDirectory(of({ XDG_CACHE_HOME: "/c" }))).toBe(join("/c", "weightmark"));
      expect(defaultJournalPath(parametersOf(), of({ XDG_STATE_HOME: "/s" }))).toMatch(/^.s.weightmark/);
    }
    const local = { env: { LOCALAPPDATA: "/l" }, platform: "win32" as const, home: null };
    expect(defaultCacheDirectory(local)).toBe(join("/l", "weightmark", "cache"));
    expect(defaultJournalPath(parametersOf(), local)).toMatch(/^.l.weightmark.state/);
  });

  it("tell scans apart by what is scanned, and find the same one when the registry has changed", () => {
    const of = (more: Parameters<typeof parametersOf>[0]) =>
      defaultJournalPath(parametersOf(more), { ...home, env: {} });
    expect(of({ inputs: ["/a"] })).not.toBe(of({ inputs: ["/b"] }));
    expect(of({ registry: "1".repeat(64), version: "2" })).toBe(of({}));
  });
});
