import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tokenHashes } from "../../../src/alignment/token-hashes.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import { type Found, isItem } from "../../../src/scan/inputs.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { OfferedScans } from "../../../src/scan/operations/offered-scans.ts";
import { differingFields, parseParameters } from "../../../src/scan/parameters.ts";
import { defaultJournalPath } from "../../../src/scan/places.ts";
import { prepareScan } from "../../../src/scan/prepare.ts";
import { scan } from "../../../src/scan/scan.ts";
import { readTokenNames } from "../../../src/watermark/carriers/tokens/token-names.ts";
import { refusal } from "../../support/refusal.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { inputsOf, SETTINGS } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { modelBytes, tinyModel, writeModel } from "../../support/tiny-model.ts";

const MODEL = "model.safetensors";
const both = "Name the file itself, or allow it with `allowLinks`: the directory that the link leads into.";

/** A file in a store, such as DVC and moved caches have, and a directory that has a link to it. */
function linked(name = MODEL): { directory: string; store: string; model: string } {
  const directory = temporaryDirectory();
  const store = join(directory, "store");
  const model = join(directory, "models", "m");
  mkdirSync(join(store, "ab"), { recursive: true });
  mkdirSync(model, { recursive: true });
  writeFileSync(join(store, "ab", "cdef"), modelBytes(tinyModel(1)));
  symlinkSync(join(store, "ab", "cdef"), join(model, name));
  return { directory, store, model };
}

async function found(root: string, allowLinks: readonly string[] = []): Promise<Found[]> {
  const all: Found[] = [];
  const options = { include: [], exclude: [], remote: null, allowLinks };
  for await (const one of enumerateTargets(inputsOf(root), options)) all.push(one);
  return all;
}

const shown = (all: readonly Found[]) =>
  all.map((one) => (isItem(one) ? `${one.name} ${one.failure?.code}` : one.name));

describe("a link that leads out of a model's directory", () => {
  it("is refused with both ways out, and followed into a directory that was allowed", async () => {
    const { directory, store, model } = linked();
    expect((await refusal(openCheckpoint(model), "PATH_ESCAPES_ROOT")).detail).toBe(both);
    expect((await refusal(openCheckpoint(model, { allowLinks: [model] }), "PATH_ESCAPES_ROOT")).file).toBe(
      join(model, MODEL),
    );
    for (const allowed of [store, join(store, "ab"), directory, join(directory, "models", "..", "store")]) {
      const checkpoint = await openCheckpoint(model, { allowLinks: [join(directory, "nowhere"), allowed] });
      await checkpoint.close();
      expect(checkpoint.files).toMatchObject([{ path: MODEL, absolutePath: join(store, "ab", "cdef") }]);
    }
    // A directory that begins alike is another one.
    renameSync(store, `${store}-other`);
    symlinkSync(`${store}-other`, store);
    mkdirSync(join(directory, "sto"));
    await refusal(openCheckpoint(model, { allowLinks: [join(directory, "sto")] }), "PATH_ESCAPES_ROOT");
  });

  it("is allowed for the other shards of one that was named, and for what lies beside the weights", async () => {
    const { store, model } = linked("x-1-of-2.safetensors");
    writeFileSync(join(store, "two"), modelBytes(new Map([["other", { shape: [4], values: new Float32Array(4) }]])));
    symlinkSync(join(store, "two"), join(model, "x-2-of-2.safetensors"));
    writeFileSync(join(store, "config"), '{"model_type":"llama"}');
    symlinkSync(join(store, "config"), join(model, "config.json"));
    const named = join(model, "x-1-of-2.safetensors");
    await refusal(openCheckpoint(named), "PATH_ESCAPES_ROOT");
    for (const location of [named, model]) {
      const checkpoint = await openCheckpoint(location, { allowLinks: [store] });
      await checkpoint.close();
      expect(checkpoint.files).toHaveLength(2);
      expect(checkpoint.config?.model_type).toBe(location === model ? "llama" : undefined);
    }
  });

  it("is not followed to a tokenizer, which a sketch is made of, unless that is allowed", async () => {
    const { store, model } = linked();
    writeFileSync(join(store, "tokens"), '{"model":{"vocab":{"a":0,"b":1}}}');
    symlinkSync(join(store, "tokens"), join(model, "tokenizer.json"));
    const checkpoint = await openCheckpoint(model, { allowLinks: [store] });
    await checkpoint.close();
    expect((await tokenHashes(checkpoint))?.size).toBe(2);
    expect(await readTokenNames(checkpoint)).toEqual(["a", "b"]);
    // What lies where the links lead is another's.
    writeFileSync(join(store, "ab", "tokenizer.json"), '{"model":{"vocab":{"other":0}}}');
    for (const allowLinks of [undefined, [model]]) {
      expect(await tokenHashes({ ...checkpoint, allowLinks })).toBeNull();
      expect(await readTokenNames({ ...checkpoint, allowLinks })).toBeNull();
    }
  });

  it("may be how the Hub's cache holds its blobs", async () => {
    const directory = temporaryDirectory();
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const snapshot = join(directory, "hub", "models--acme--m", "snapshots", commit);
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(directory, "big"));
    writeFileSync(join(directory, "big", "sha"), modelBytes(tinyModel(1)));
    symlinkSync(join(directory, "big"), join(directory, "hub", "models--acme--m", "blobs"));
    symlinkSync("../../blobs/sha", join(snapshot, MODEL));
    const remote = { endpoint: "http://127.0.0.1:9", hubCache: join(directory, "hub"), offline: true, client: null! };
    const location = `hf:acme/m@${commit}`;
    await refusal(openCheckpoint(location, { remote }), "PATH_ESCAPES_ROOT");
    for (const one of [location, snapshot]) {
      const checkpoint = await openCheckpoint(one, { remote, allowLinks: [join(directory, "big")] });
      await checkpoint.close();
      expect(checkpoint.files).toHaveLength(1);
    }
  });
});

describe("a walk", () => {
  it("refuses links to files that lead out, whatever their models are called by", async () => {
    const { store, model, directory } = linked("a.safetensors");
    symlinkSync(join(store, "ab", "cdef"), join(model, "b.sft"));
    writeFileSync(join(model, "c.safetensors"), modelBytes(tinyModel(2)));
    symlinkSync("c.safetensors", join(model, "d.safetensors"));
    const refused = await found(join(directory, "models"));
    expect(shown(refused)).toEqual([
      "m/a.safetensors PATH_ESCAPES_ROOT",
      "m/b.sft PATH_ESCAPES_ROOT",
      "m/c.safetensors",
      "m/d.safetensors",
    ]);
    expect(refused[0]).toMatchObject({ status: "failed", failure: { detail: both } });
    const allowed = await found(join(directory, "models"), [store]);
    expect(shown(allowed)).toEqual(["m/a.safetensors", "m/b.sft", "m/c.safetensors", "m/d.safetensors"]);
    // A file that was named itself may lie anywhere.
    expect(shown(await found(join(model, "a.safetensors")))).toEqual(["a.safetensors"]);
  });

  it("goes on into directories that links lead to, once and without circles", async () => {
    const directory = temporaryDirectory();
    writeModel(join(directory, "models", "own"), tinyModel(1));
    writeModel(join(directory, "big", "sd", "xl"), tinyModel(2));
    writeModel(join(directory, "big", "sd"), tinyModel(3));
    writeModel(join(directory, "private"), tinyModel(4));
    symlinkSync(join(directory, "big"), join(directory, "models", "checkpoints"));
    symlinkSync(join(directory, "big", "sd"), join(directory, "models", "again"));
    symlinkSync(join(directory, "private"), join(directory, "models", "secret"));
    symlinkSync(join(directory, "big"), join(directory, "big", "sd", "loop"));
    symlinkSync(join(directory, "private"), join(directory, "big", "secret"));
    symlinkSync(join(directory, "models"), join(directory, "big", "back"));
    const root = join(directory, "models");
    const [first, ...others] = await found(root);
    expect(first).toMatchObject({
      status: "skipped",
      failure: { detail: "Name the directory it leads to as a root of its own, or allow it with `allowLinks`." },
    });
    expect(shown([first!, ...others])).toEqual([
      "again PATH_ESCAPES_ROOT",
      "checkpoints PATH_ESCAPES_ROOT",
      "secret PATH_ESCAPES_ROOT",
      "own",
    ]);
    const allowed = await found(root, [join(directory, "big")]);
    expect(shown(allowed)).toEqual([
      "secret PATH_ESCAPES_ROOT",
      "again",
      "again/xl",
      "checkpoints/secret PATH_ESCAPES_ROOT",
      "checkpoints/sd",
      "checkpoints/sd/xl",
      "own",
    ]);
    const identities = allowed.flatMap((one) => (isItem(one) ? [] : [one.identity]));
    // What two links lead to is one model twice.
    expect(new Set(identities).size).toBe(3);
  });
});

describe("a scan of links", () => {
  it("reads what was allowed, in this thread and in others, and remembers what that was", async () => {
    const { directory, store, model } = linked();
    const inputs = inputsOf(join(directory, "models"));
    const { parameters, setup } = await prepareScan(inputs, { ...SETTINGS, allowLinks: [store] });
    expect(parameters.allowLinks).toEqual([store]);
    for (const threads of [0, 1]) {
      const journal = await openJournal(join(directory, `journal-${threads}`), parameters);
      const items: ScanItem[] = [];
      await scan(inputs, { store: journal, setup, threads, onItem: async (item) => void items.push(item) });
      await journal.close();
      expect(items).toMatchObject([{ location: model, status: "done", failure: null }]);
    }
    const none = (await prepareScan(inputs, SETTINGS)).parameters;
    // A scan without the flag is what it was before there was one.
    expect("allowLinks" in none).toBe(false);
    expect(differingFields(none, parameters)).toEqual(["allowLinks"]);
    expect(parseParameters(JSON.parse(JSON.stringify(parameters)))).toEqual(parameters);
    await refusal(openJournal(join(directory, "journal-0"), none, { mode: "resume" }), "SCAN_DIFFERS");
    expect(defaultJournalPath(parameters)).not.toBe(defaultJournalPath(none));
  });

  it("tells the workers of a database where links may lead", async () => {
    const { directory, store, model } = linked();
    const parameters = parametersOf({ allowLinks: [store], version: SETTINGS.version });
    const journal = await openJournal(join(directory, "journal"), parameters);
    const offered = new OfferedScans(
      async () => journal,
      { ...SETTINGS, registry: directory, threads: 0, tasksPerThread: 1 },
      () => {},
    );
    const answer = await offered.get("s");
    if (!("workers" in answer)) throw answer.error;
    const [target] = await found(join(directory, "models"), [store]);
    if (target === undefined || isItem(target)) throw new Error("nothing was found");
    const item = await answer.workers.process(target, new AbortController().signal);
    await offered.close();
    await journal.close();
    expect(item).toMatchObject({ location: model, status: "done", failure: null });
  });
});
