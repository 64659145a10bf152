// Which mutants are tried of one in every N: their place and text decide, so that the same sources give the same sample. As a
// checker of Stryker it keeps the others out of the score, as if they had not compiled.
import { createHash } from "node:crypto";

/** @param file path of the source, from the root of the repository or from that of the drive */
export function isDrawn({ file, start, end, replacement }, every) {
  const place = `/${file}`;
  const key = JSON.stringify([place.slice(place.lastIndexOf("/src/")), start, end, replacement]);
  return createHash("sha256").update(key).digest().readUInt32BE() % every === 0;
}

class Sample {
  #every = Number(process.env.MUTATION_EVERY);

  async init() {}

  async check(mutants) {
    const checked = mutants.map(({ id, fileName: file, location: { start, end }, replacement }) => {
      const drawn = isDrawn({ file, start, end, replacement }, this.#every);
      return [id, { status: drawn ? "passed" : "compileError", reason: "not drawn" }];
    });
    return Object.fromEntries(checked);
  }
}

export const strykerPlugins = [{ kind: "Checker", name: "sample", injectableClass: Sample }];
