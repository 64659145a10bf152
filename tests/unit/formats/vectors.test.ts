import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { openArchive } from "../../../src/checkpoint/archive/archive.ts";
import { archiveKindOf } from "../../../src/checkpoint/archive/archive-kind.ts";
import { insideModels } from "../../../src/checkpoint/archive/inside-models.ts";
import { readArrayFile } from "../../../src/checkpoint/array-file.ts";
import { readShardIndex } from "../../../src/checkpoint/shard-index.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { readGgufHeader } from "../../../src/formats/gguf/header.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";

interface Vector {
  readonly file: string;
  readonly kind: "safetensors" | "gguf" | "index" | "arrays" | "archive";
  readonly expect: string;
  readonly why: string;
}

const directory = fileURLToPath(new URL("../../vectors/", import.meta.url));
const manifest: readonly Vector[] = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));

const READERS: Readonly<Record<Vector["kind"], (source: ByteSource) => Promise<unknown>>> = {
  safetensors: readSafetensorsHeader,
  gguf: readGgufHeader,
  index: readShardIndex,
  archive: (source) => readArchive(source, basename(source.location)),
  arrays: async (source) => {
    if ((await readArrayFile(source, basename(source.location), absent)) === null) throw new Error("no file of arrays");
  },
};

async function readArchive(source: ByteSource, name: string): Promise<void> {
  const kind = await archiveKindOf(source, name);
  if (kind === null) throw new Error("no archive");
  const archive = await openArchive(source, kind, name, { reopen: async () => source, budget: undefined });
  try {
    const models = await insideModels(archive);
    if (models.length === 0) throw new WeightmarkError("NO_WEIGHTS", "no model in it");
    for (const { files } of models) {
      for (const file of files) await readSafetensorsHeader(await archive.members.get(file)!.open());
    }
  } finally {
    await archive.close();
  }
}

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
    const files = ["bad", "good", "gguf", "index", "arrays", "onnx", "archives", "ctranslate2"].flatMap((kind) =>
      readdirSync(join(directory, kind)).map((f) => `${kind}/${f}`),
    );
    expect(files.sort()).toEqual(manifest.map(({ file }) => file).sort());
  });
});
