import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, win32 } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { readShardIndex } from "../../src/checkpoint/shard-index.ts";
import { checkShardName } from "../../src/checkpoint/shard-name.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { serializeSafetensors, type TensorData } from "../../src/formats/safetensors/writer.ts";

/** Pieces that paths out of a directory are made of, and pieces that are harmless. */
const fragment = fc.constantFrom(
  ...[
    "..",
    ".",
    "/",
    "//",
    "\\",
    "C:",
    "%2e",
    "%2F",
    "%25",
    "%252e",
    "a",
    "model",
    "-00001",
    " ",
    "~",
    "é",
    "\0",
    "\n",
    "\u202e",
    "x".repeat(150),
  ],
);
const shardName = fc.array(fragment, { maxLength: 6 }).map((parts) => `${parts.join("")}.safetensors`);

function accepted(name: string): boolean {
  try {
    checkShardName(name, "index");
    return true;
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
    return false;
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

describe("shard names", () => {
  test.prop([shardName], { numRuns: 5000 })(
    "that are accepted stay below their directory, however they are read",
    (name) => {
      fc.pre(accepted(name));
      for (const reading of [name, decoded(name), decoded(decoded(name))]) {
        expect(posix.resolve("/root/model", reading)).toMatch(/^\/root\/model\/./);
        expect(win32.resolve("D:\\root\\model", reading)).toMatch(/^D:\\root\\model\\./);
      }
    },
  );

  test.prop([fc.integer({ min: 1, max: 99999 }), fc.integer({ min: 1, max: 99999 })])(
    "that libraries write are accepted",
    (i, n) => {
      const five = (k: number) => String(k).padStart(5, "0");
      expect(accepted(`model-${five(i)}-of-${five(n)}.safetensors`)).toBe(true);
    },
  );
});

describe("readShardIndex", () => {
  const names = fc.dictionary(
    fc.string({ maxLength: 6 }),
    fc.constantFrom("a.safetensors", "b.safetensors", "c/d.safetensors"),
    { minKeys: 1 },
  );

  test.prop([names, fc.json(), fc.nat({ max: 2 })])(
    "finds what JSON.parse finds, whatever stands beside it",
    async (map, other, indent) => {
      const text = JSON.stringify(
        { other: JSON.parse(other), weight_map: map, metadata: JSON.parse(other) },
        null,
        indent,
      );
      fc.pre(!/[\ud800-\udfff]|\\ud/i.test(text));
      const { shards, shardOf } = await readShardIndex(memorySource(Buffer.from(text)));
      const found = [...shardOf].map(([name, shard]) => [name, shards[shard]]);
      expect(new Map(found as [string, string][])).toEqual(new Map(Object.entries(map)));
    },
  );
});

describe("openCheckpoint", () => {
  const tensor = fc.record({ size: fc.nat({ max: 5 }), shard: fc.nat({ max: 3 }), fill: fc.nat({ max: 255 }) });

  test.prop([fc.array(tensor, { minLength: 1, maxLength: 10 }), fc.boolean()], { numRuns: 40 })(
    "finds the same tensors in one file as in several",
    async (given, withIndex) => {
      const directory = mkdtempSync(join(realpathSync(tmpdir()), "weightmark-test-"));
      try {
        const map: Record<string, string> = {};
        const shards = new Map<string, TensorData[]>();
        given.forEach(({ size, shard, fill }, i) => {
          const file = `s-${shard + 1}-of-4.safetensors`;
          map[`t${i}`] = file;
          const list = shards.get(file) ?? [];
          list.push({ name: `t${i}`, dtype: "U8", shape: [size], data: new Uint8Array(size).fill(fill) });
          shards.set(file, list);
        });
        // Without an index no shard may be missing.
        for (const i of [1, 2, 3, 4])
          if (!withIndex) shards.set(`s-${i}-of-4.safetensors`, shards.get(`s-${i}-of-4.safetensors`) ?? []);
        for (const [file, tensors] of shards) writeFileSync(join(directory, file), serializeSafetensors(tensors));
        if (withIndex)
          writeFileSync(join(directory, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));

        const checkpoint = await openCheckpoint(directory);
        expect([...checkpoint.tensors.keys()].sort()).toEqual(given.map((_, i) => `t${i}`).sort());
        for (const [i, { size, fill }] of given.entries()) {
          const { file, begin, end, shape } = checkpoint.tensors.get(`t${i}`)!;
          expect([checkpoint.files[file]!.path, shape]).toEqual([map[`t${i}`], [size]]);
          expect(await checkpoint.files[file]!.source.read(begin, end)).toEqual(new Uint8Array(size).fill(fill));
        }
        await checkpoint.close();
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
