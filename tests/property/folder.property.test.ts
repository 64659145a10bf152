import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, onTestFinished } from "vitest";
import { modelsOf, preferredOf } from "../../src/checkpoint/folder-models.ts";
import { numberedSets, numberedShard } from "../../src/checkpoint/numbered-shards.ts";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { openRemote } from "../../src/checkpoint/remote-environment.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { enumerateTargets } from "../../src/scan/enumerate.ts";
import { isItem } from "../../src/scan/inputs.ts";
import { startHub } from "../support/hub/hub.mjs";
import { weights } from "../support/hub-remote.ts";
import { inputsOf } from "../support/scan-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const stem = fc.constantFrom("model", "diffusion_pytorch_model", "a", "a-pruned", "model.fp16", "a.non_ema", "b_ema");
const count = fc.integer({ min: 1, max: 3 });
const file = fc.oneof(
  stem.map((name) => `${name}.safetensors`),
  fc
    .tuple(stem, count, fc.integer({ min: 0, max: 3 }))
    .map(([name, n, i]) => `${name}-0000${i}-of-0000${n}.safetensors`),
);
const indexName = fc.oneof(
  stem.map((name) => `${name}.safetensors.index.json`),
  fc.constant("model.safetensors.index.fp16.json"),
);
const folder = fc.constantFrom("", "", "unet/", "unet/deep/", "un-et/", "checkpoint-10/");

describe("the models of a folder", () => {
  const listing = fc.record({
    safetensors: fc.uniqueArray(file, { maxLength: 9 }),
    indexes: fc.uniqueArray(indexName),
  });

  test.prop([listing, fc.infiniteStream(fc.nat())])(
    "leave out no file, and do not depend on order",
    (names, random) => {
      const sorted = { safetensors: [...names.safetensors].sort(), indexes: [...names.indexes].sort() };
      const shuffled = names.safetensors
        .map((name) => ({ name, at: random.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ name }) => name);
      const models = modelsOf(sorted);
      expect(modelsOf({ ...sorted, safetensors: shuffled })).toEqual(models);
      const told = models.flatMap(({ set, variants }) => [set, ...variants].flatMap(({ files }) => files));
      expect([...new Set(told)].sort()).toEqual(sorted.safetensors);
      const preferred = preferredOf(models);
      if (preferred !== null) expect(models[0]).toBe(preferred);
      if (names.safetensors.includes("model.safetensors")) expect(preferred!.set.name).toBe("model.safetensors");
    },
  );

  test.prop([fc.integer({ min: 1, max: 120 }), fc.boolean(), fc.boolean()])(
    "count their shards however they are written",
    (shards, fromZero, padded) => {
      const first = fromZero ? 0 : 1;
      const total = padded ? String(shards).padStart(5, "0") : String(shards);
      const name = (n: number) => `x-${padded ? String(n).padStart(5, "0") : n}-of-${total}.safetensors`;
      const names = Array.from({ length: shards }, (_, i) => name(first + i));
      expect(numberedSets([...names].sort())).toEqual([
        { stem: "x", files: names, missing: { count: 0, first: null } },
      ]);
      const [gone, ...rest] = fromZero ? [names.at(-1)!, ...names.slice(0, -1)] : names;
      if (rest.length === 0) return;
      expect(numberedSets(rest)).toMatchObject([{ missing: { count: 1, first: gone } }]);
      expect(numberedShard(gone!)!.nameOf(fromZero ? shards - 1 : 1)).toBe(gone);
    },
  );
});

/** A repository: files with tensors of their own, and indexes that name some of them. */
const repository = fc
  .record({
    files: fc.uniqueArray(
      fc.tuple(folder, file).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 8 },
    ),
    indexes: fc.array(fc.tuple(folder, indexName, fc.array(fc.nat(), { minLength: 1, maxLength: 4 })), {
      maxLength: 2,
    }),
  })
  .map(({ files, indexes }) => {
    const all: Record<string, Uint8Array | string> = {};
    for (const [i, name] of files.entries()) all[name] = weights("shared", `t${i}`);
    for (const [place, name, chosen] of indexes) {
      const below = files.map((path, i) => ({ path, i })).filter(({ path }) => path.startsWith(place));
      if (below.length === 0) continue;
      const named = chosen.map((at) => below[at % below.length]!);
      const map = Object.fromEntries(named.map(({ path, i }) => [`t${i}`, path.slice(place.length)]));
      all[place + name] = JSON.stringify({ weight_map: { ...map, shared: named[0]!.path.slice(place.length) } });
    }
    return all;
  });

describe("a repository on the Hub", () => {
  test.prop([repository], { numRuns: 60 })(
    "has the models of its copy on this machine, tensor for tensor",
    async (files) => {
      const hub = await startHub({ repositories: new Map([["acme/base", { files }]]) });
      onTestFinished(() => hub.close());
      const remote = await openRemote(
        { endpoint: hub.endpoint, token: null, hubCache: null, offline: false },
        { tries: 1 },
      );
      const root = join(temporaryDirectory(), "base");
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(root, name)), { recursive: true });
        writeFileSync(join(root, name), content);
      }
      const look = async (location: string, prefix: string) => {
        const found: string[] = [];
        for await (const one of enumerateTargets(inputsOf(location), { include: [], exclude: [], remote })) {
          const name = one.location.slice(prefix.length).replaceAll("\\", "/");
          if (isItem(one)) found.push(`${name} ${one.failure!.code}`);
          else found.push(`${name} ${await tensorsAt(one.location)} ${one.notes ?? ""}`);
        }
        return found;
      };
      const tensorsAt = async (location: string) => {
        try {
          const checkpoint = await openCheckpoint(location, { remote, config: false });
          await checkpoint.close();
          return [...checkpoint.tensors.values()]
            .map(({ name, file: at }) => `${name}@${checkpoint.files[at]!.path}`)
            .join();
        } catch (error) {
          if (!(error instanceof WeightmarkError)) throw error;
          return error.code;
        }
      };
      const commit = await hub.commitOf("acme/base");
      const here = await look(root, root);
      const there = await look("hf:acme/base", `hf:acme/base@${commit}`);
      await remote.client.close();
      await hub.close();
      expect(there).toEqual(here);
      expect(here.length).toBeGreaterThan(0);
    },
  );
});
