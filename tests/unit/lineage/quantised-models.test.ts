import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { openSubject } from "../../../src/lineage/open-subject.ts";
import {
  awqPacker,
  fp8BlockPacker,
  gptqPacker,
  int8Packer,
  mlxPacker,
  mxfp4Packer,
  nf4Packer,
  type Packer,
  packQuantizedPacker,
} from "../../support/pack-weights.ts";
import { writeQuantised } from "../../support/quantised-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const MODELS = join(import.meta.dirname, "../../../examples/models");
const root = scratchDirectory();

const SCHEMES: Readonly<Record<string, Packer>> = {
  "GPTQ 4 bit": gptqPacker({ bits: 4, size: 32 }),
  "GPTQ 3 bit": gptqPacker({ bits: 3, size: 32, symmetric: false }),
  "GPTQ 8 bit": gptqPacker({ bits: 8, size: 32 }),
  AWQ: awqPacker(32),
  NF4: nf4Packer(64),
  "bitsandbytes int8": int8Packer,
  "FP8 in blocks": fp8BlockPacker(32),
  "MLX 4 bit": mlxPacker(4, 32),
  "compressed-tensors int4": packQuantizedPacker(4, 32, false),
  MXFP4: mxfp4Packer,
};

describe.each(Object.entries(SCHEMES))("a model packed as %s", (name, pack) => {
  const directory = join(root, name.replaceAll(" ", "-"));
  beforeAll(() => writeQuantised(join(MODELS, "base-a"), directory, pack));

  const against = async (base: string) => {
    await using suspect = await openSubject(directory);
    await using other = await openSubject(join(MODELS, base), { root: true });
    return compareSubjects(suspect, other);
  };

  it("is found to come from its base", async () => {
    const result = await against("base-a");
    console.log(
      name,
      result.verdict,
      result.relations,
      result.summary,
      result.caveats,
      result.components.map((c) => c.log10P),
    );
    expect(result.verdict).not.toBe("no-evidence");
  });

  it("has nothing of another base", async () => {
    expect((await against("base-b")).verdict).toBe("no-evidence");
  });
});
