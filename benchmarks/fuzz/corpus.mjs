import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Inputs that once were finds, or are of the kinds that finds are made of: a folder for each target. */
export const CORPUS = fileURLToPath(new URL("../../tests/fixtures/fuzz/", import.meta.url));

/** The inputs of one target, `{ name, path, bytes }`, by name. */
export function corpusOf(target, directory = CORPUS) {
  const folder = join(directory, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, path: join(folder, name), bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** Puts a find into the corpus, under a name that tells where it came from; returns its path. */
export function keep(target, { code, index, bytes }, seed, directory) {
  const folder = join(directory, target.name);
  mkdirSync(folder, { recursive: true });
  const path = join(
    folder,
    `${code.replaceAll(" ", "-")}-${seed}-${index}.${target.extension}`.replace(/[^\w./-]/g, "_"),
  );
  writeFileSync(path, bytes);
  return path;
}
