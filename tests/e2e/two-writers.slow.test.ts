import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { openAnyRegistry } from "../../src/registry/open-registry.ts";
import { type CommandResult, NODE, runCommand, startCommand } from "../support/command.ts";
import { storeModel } from "../support/keyed-model.ts";
import { describeWithPostgres } from "../support/postgres.ts";
import { digestsBelow } from "../support/raw-model.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { gaussianLlama } from "../support/spread-model.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);

beforeAll(async () => {
  for (let i = 0; i < 5; i++) writeModel(at(`m${i}`), tinyModel(i + 1));
  const config = { model_type: "llama", hidden_size: 256, num_attention_heads: 4, num_key_value_heads: 4 };
  storeModel(at("large"), gaussianLlama(1, { layers: 2 }), { "config.json": config });
  for (const key of ["k0", "k1"]) {
    expect(await runCommand(["key", "generate", "--no-passphrase", "-o", key], { cwd: root })).toMatchObject({
      exitCode: 0,
    });
  }
});

/** Runs a command, again where it waited for its turn longer than it does: on a busy machine others take long. */
async function inTurn(args: readonly string[]): Promise<CommandResult> {
  const result = await runCommand(args, { cwd: root });
  return /\(REGISTRY_LOCKED\)/.test(result.stderr) ? inTurn(args) : result;
}

/** All of these at the same time. */
function together(commands: readonly (readonly string[])[]): Promise<CommandResult[]> {
  return Promise.all(commands.map(inTurn));
}

function expectRefused(results: readonly CommandResult[], code: string): void {
  for (const { exitCode, stderr } of results) expect(`${exitCode} ${stderr}`).toMatch(new RegExp(`^3 .*\\b${code}\\b`));
}

const succeeded = (results: readonly CommandResult[]) => results.filter(({ exitCode }) => exitCode === 0);
const failed = (results: readonly CommandResult[]) => results.filter(({ exitCode }) => exitCode !== 0);
const temporaries = () => readdirSync(root).filter((name) => name.endsWith(".tmp") || name.endsWith(".lock"));

async function manyAdd(registry: string): Promise<void> {
  const add = (model: string, ...more: string[]) => ["registry", "add", model, "--registry", registry, ...more];
  const results = await together([
    ...["m0", "m1", "m2"].map((model) => add(model)),
    // The same twice, and two that want one name.
    add("m0"),
    add("m3", "--name", "wanted"),
    add("m4", "--name", "wanted"),
  ]);
  // One of the two that want one name loses; everybody else waits until it is his turn.
  expectRefused(failed(results), "REGISTRY_CONFLICT");
  expect(failed(results)).toHaveLength(1);
  const opened = await openAnyRegistry(registry.includes(":") ? registry : at(registry));
  try {
    expect(opened.list().map(({ name }) => name)).toEqual(["m0", "m1", "m2", "wanted"]);
    expect(opened.generation).toBe(4);
    expect(await opened.verify()).toEqual([]);
    for (const { digest } of opened.list()) await opened.load(digest);
  } finally {
    await opened.close();
  }
}

describe("several writers of a registry of files", () => {
  it("take turns, and two that want one name do not both get it", () => manyAdd("r"));

  it("keep it whole while some add, some remove, some import and some export", async () => {
    const of = (...args: string[]) => ["registry", ...args, "--registry", "r"];
    expect(succeeded(await together([of("export", "-o", "whole")]))).toHaveLength(1);
    const results = await together([
      of("remove", "m0"),
      of("export", "-o", "archive-1"),
      of("import", "whole", "--replace"),
      of("remove", "m1"),
      of("export", "-o", "archive-2"),
      of("add", "m1", "--name", "again", "--replace"),
    ]);
    // Which of them came first decides what there was to remove, and whether an export still finds what it began with.
    for (const { stderr } of failed(results))
      expect(stderr).toMatch(/\((?:REGISTRY_ENTRY_UNKNOWN|REGISTRY_ENTRY_MISSING)\)/);
    const opened = await openAnyRegistry(at("r"));
    expect(await opened.verify()).toEqual([]);
    const names = opened.list().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describeWithPostgres("several writers of a registry in PostgreSQL", (server) => {
  it("take turns, and two that want one name do not both get it", async () => manyAdd(await server.createDatabase()));
});

describe("two scans with one journal", () => {
  it("do not both write to it: the second is told at once", async () => {
    const scan = [
      "scan",
      "m0",
      "m1",
      "m2",
      "m3",
      "--registry",
      "r",
      "--jobs",
      "0",
      "--no-cache",
      "--offline",
      "--journal",
      "j",
    ];
    const first = startCommand(scan, { cwd: root });
    const ended = once(first, "close");
    first.stdout.resume();
    first.stderr.resume();
    while (!existsSync(at("j.lock")) && first.exitCode === null) await sleep(1);
    const results = await together([scan, [...scan, "--resume"], [...scan, "--restart"]]);
    // The one who came when the first was through began one of his own.
    expectRefused(failed(results), "SCAN_JOURNAL_LOCKED");
    expect((await ended)[0]).toBe(0);
    const resumed = await runCommand([...scan, "--resume", "--json", "--deterministic"], { cwd: root });
    expect(resumed, resumed.stderr).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(resumed.stdout).items).toHaveLength(4);
    expect(temporaries()).toEqual([]);
  });
});

describe("several processes with one cache of fingerprints", () => {
  it("read what was written whole, or nothing", async () => {
    const built = new URL("../../dist/src/", import.meta.url).href;
    mkdirSync(at("cache"));
    const script = `
      const { openFingerprintCache } = await import("${built}scan/cache/fingerprint-cache.js");
      const { parseFingerprint, serializeFingerprint } = await import("${built}fingerprint/file.js");
      const { readFileSync } = await import("node:fs");
      const fingerprint = await parseFingerprint(readFileSync("fp"), "fp");
      const cache = openFingerprintCache({ directory: "cache", depth: "sampled", version: "1", endpoint: "https://h",
        onTrouble: (error) => { throw error; } });
      const target = { id: "hf:o/m@1", name: "m", location: "hf:o/m@1", revision: "0".repeat(40), content: "ab".repeat(32),
        identity: null, bytes: 1, repository: null };
      const whole = Buffer.from(serializeFingerprint(fingerprint)).toString("hex");
      let found = 0;
      for (let i = 0; i < 60; i++) {
        const known = await cache.find(target);
        if (known !== null) {
          if (Buffer.from(serializeFingerprint(known.fingerprint)).toString("hex") !== whole) throw new Error("another one");
          found += 1;
        }
        await cache.storeFingerprint(target, fingerprint);
      }
      console.log(found);`;
    expect(await runCommand(["fingerprint", "m0", "-o", "fp"], { cwd: root })).toMatchObject({ exitCode: 0 });
    const readers = Array.from({ length: 4 }, async () => {
      const child = spawn(NODE, ["--input-type=module", "-e", script], {
        cwd: root,
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (piece) => {
        text += piece;
      });
      expect((await once(child, "close"))[0]).toBe(0);
      return Number(text);
    });
    for (const found of await Promise.all(readers)) expect(found).toBeGreaterThan(50);
    expect(
      readdirSync(at("cache"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tmp")),
    ).toEqual([]);
  });
});

describe("several writers of one file", () => {
  it.each([
    ["fingerprint", (i: number) => ["fingerprint", `m${i}`, "-o", "out"]],
    ["inspect", (i: number) => ["inspect", `m${i}`, "--json", "--deterministic", "-o", "out"]],
    ["key generate", () => ["key", "generate", "--no-passphrase", "-o", "out"]],
    ["registry export", () => ["registry", "export", "--registry", "r", "-o", "out"]],
  ] as const)("%s: one of them writes it, and the others are refused", async (name, command) => {
    rmSync(at("out"), { force: true });
    const results = await together([0, 1, 2].map((i) => command(i)));
    expect(succeeded(results)).toHaveLength(1);
    expectRefused(failed(results), "OUTPUT_EXISTS");
    const written = readFileSync(at("out"));
    const whole = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const alone = command(i).map((arg) => (arg === "out" ? `alone-${name}-${i}` : arg));
        expect(await runCommand(alone, { cwd: root })).toMatchObject({ exitCode: 0 });
        return readFileSync(at(`alone-${name}-${i}`));
      }),
    );
    if (name !== "key generate") expect(whole.some((bytes) => bytes.equals(written))).toBe(true);
    else expect(await runCommand(["key", "show", "out"], { cwd: root })).toMatchObject({ exitCode: 0 });
    expect(temporaries()).toEqual([]);
  });

  it("with --force, the last of them has written all of it", async () => {
    const command = (i: number, out: string) => ["fingerprint", `m${i}`, "--force", "-o", out];
    const results = await together([0, 1, 2].map((i) => command(i, "forced")));
    expect(succeeded(results)).toHaveLength(3);
    for (const i of [0, 1, 2])
      expect(await runCommand(command(i, `forced-${i}`), { cwd: root })).toMatchObject({ exitCode: 0 });
    const written = readFileSync(at("forced"));
    expect([0, 1, 2].some((i) => readFileSync(at(`forced-${i}`)).equals(written))).toBe(true);
    expect(temporaries()).toEqual([]);
  });
});

describe("two marked copies under one name", () => {
  it("one is made, with its own sketch; the other is refused and leaves nothing", async () => {
    const embed = (key: string, out: string) => [
      "watermark",
      "embed",
      "large",
      "--key",
      key,
      "--rho",
      "0.02",
      "--unpublished",
      "-o",
      out,
    ];
    for (const key of ["k0", "k1"]) {
      expect(await runCommand(embed(key, `of-${key}`), { cwd: root })).toMatchObject({ exitCode: 0 });
    }
    const results = await together([embed("k0", "copy"), embed("k1", "copy")]);
    expect(succeeded(results)).toHaveLength(1);
    expectRefused(failed(results), "OUTPUT_EXISTS");
    const winner = results.findIndex(({ exitCode }) => exitCode === 0);
    expect(digestsBelow(at("copy"))).toEqual(digestsBelow(at(`of-k${winner}`)));
    expect(readFileSync(at("copy.sketch")).equals(readFileSync(at(`of-k${winner}.sketch`)))).toBe(true);
    expect(temporaries()).toEqual([]);
  });
});
