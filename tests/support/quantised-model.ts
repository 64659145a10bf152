import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { decodeToF32 } from "../../src/kernels/decode.ts";
import type { Packer } from "./pack-weights.ts";
import { type RawTensor, writeRawModel } from "./raw-model.ts";

const LINEAR = /^(.*layers\..*_proj)\.weight$/;

/** Writes a model of one file again with the linears of its layers packed. */
export async function writeQuantised(model: string, directory: string, pack: Packer): Promise<void> {
  const file = new Uint8Array(readFileSync(join(model, "model.safetensors")));
  const { tensors } = await readSafetensorsHeader(memorySource(file));
  const written = [...tensors.values()].flatMap(({ name, dtype, shape, begin, end }): RawTensor[] => {
    const bytes = file.slice(begin, end);
    const module = LINEAR.exec(name)?.[1];
    if (module === undefined) return [{ name, dtype, shape, bytes }];
    const [out, into] = shape as [number, number];
    return pack(module, { out, into, values: decodeToF32(bytes, dtype) }).tensors;
  });
  writeRawModel(directory, [{ tensors: written }]);
}
