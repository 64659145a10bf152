import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { refusal } from "./refusal.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type Files = Readonly<Record<string, Uint8Array | string | object>>;

/** A directory with these files; objects are written as JSON. Subdirectories are made. */
export function model(files: Files, directory = temporaryDirectory()): string {
  for (const [name, content] of Object.entries(files)) {
    const raw = typeof content === "string" || content instanceof Uint8Array;
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), raw ? content : JSON.stringify(content));
  }
  return directory;
}

export const INDEX = "model.safetensors.index.json";
export const index = (map: Record<string, string>, totalSize: unknown = Object.keys(map).length) => ({
  metadata: { total_size: totalSize },
  weight_map: map,
});

/** What opening gives, closed again. */
export async function opened(location: string) {
  const checkpoint = await openCheckpoint(location);
  await checkpoint.close();
  const tensors = [...checkpoint.tensors.values()].map(({ name, file }) => `${name}@${checkpoint.files[file]!.path}`);
  return { ...checkpoint, names: tensors.sort() };
}

/** The refusal to open what lies there, which must have this code. */
export const refused = (location: string, code: ErrorCode) => refusal(openCheckpoint(location), code);
