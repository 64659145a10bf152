import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readArrayFile } from "../../../src/checkpoint/array-file.ts";
import { readShardIndex } from "../../../src/checkpoint/shard-index.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { readGgufHeader } from "../../../src/formats/gguf/header.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";

interface Vector {
  readonly file: string;
  readonly kind: "safetensors" | "gguf" | "index" | "arrays";
  readonly expect: string;
  readonly why: string;
}

const directory = fileURLToPath(new URL("../../vectors/", import.meta.url));
const manifest: readonly Vector[] = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));

const READERS: Readonly<Record<Vector["kind"], (source: ByteSource) => Promise<unknown>>> = {
  safetensors: readSafetensorsHeader,
  gguf: readGgufHeader,
  index: readShardIndex,
  arrays: async (source) => {
    if ((await readArrayFile(source, basename(source.location), absent)) === null) throw new Error("no file of arrays");
  },
};

async function absent(name: string): Promise<never> {
  throw new WeightmarkError("FILE_NOT_FOUND", "nothing lies beside it", { file: name });
}

async function verdict({ file, kind }: Vector): Promise<string> {
  const source = memorySource(readFileSync(join(directory, file)), file);
  const read: Promise<unknown> = READERS[kind](source);
  return read.then(
    () => "ok",
    (error: WeightmarkError) => error.code,
  );
}

describe("the corpus of bad and odd files", () => {
  it.each(manifest.map((vector) => [vector.file, vector.expect, vector.why, vector] as const))(
    "%s: %s, %s",
    async (_file, expected, _why, vector) => {
      expect(await verdict(vector)).toBe(expected);
    },
  );

  it("lists every file there is", () => {
    const files = ["bad", "good", "gguf", "index", "arrays", "onnx"].flatMap((kind) =>
      readdirSync(join(directory, kind)).map((f) => `${kind}/${f}`),
    );
    expect(files.sort()).toEqual(manifest.map(({ file }) => file).sort());
  });
});
