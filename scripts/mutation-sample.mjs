// A checker for Stryker that lets one mutant of every N through. The others count as not compiled, which keeps them out of the
// score. Which are let through depends on their place and text alone, so that the same sources give the same sample.
import { createHash } from "node:crypto";

class Sample {
  #every = Number(process.env.MUTATION_EVERY);

  async init() {}

  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        { status: this.#isDrawn(mutant) ? "passed" : "compileError", reason: "not drawn" },
      ]),
    );
  }

  #isDrawn({ fileName, location, replacement }) {
    const place = fileName.slice(fileName.lastIndexOf("/src/"));
    const digest = createHash("sha256")
      .update(JSON.stringify([place, location.start, location.end, replacement]))
      .digest();
    return digest.readUInt32BE() % this.#every === 0;
  }
}

export const strykerPlugins = [{ kind: "Checker", name: "sample", injectableClass: Sample }];
