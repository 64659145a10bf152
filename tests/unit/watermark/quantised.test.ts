import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { requireMarkable } from "../../../src/watermark/host/markable.ts";
import { parsePayload } from "../../../src/watermark/message/payload.ts";
import { embedAt, storeModel, verifyAt } from "../../support/keyed-model.ts";
import {
  awqPacker,
  fp8BlockPacker,
  gptqPacker,
  int8Packer,
  mlxPacker,
  nf4Packer,
  type Packer,
} from "../../support/pack-weights.ts";
import { writeQuantised } from "../../support/quantised-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { gaussianLlama, testKey } from "../../support/spread-model.ts";
import { CONFIG } from "../../support/watermark-command.ts";

const PAYLOAD = parsePayload("00c0ffee");
const place = scratchDirectory();
const [input, marked] = [join(place, "model"), join(place, "marked")];

beforeAll(async () => {
  storeModel(input, gaussianLlama(1, { layers: 2 }), { "config.json": CONFIG });
  await embedAt(input, marked, { payload: PAYLOAD, rho: 0.02 });
});

const SCHEMES: Readonly<Record<string, Packer>> = {
  "GPTQ-4": gptqPacker({ bits: 4, size: 64 }),
  AWQ: awqPacker(64),
  NF4: nf4Packer(64),
  int8: int8Packer,
  FP8: fp8BlockPacker(128),
  "MLX-4": mlxPacker(4, 64),
};

describe.each(Object.entries(SCHEMES))("a marked model that was packed as %s", (name, pack) => {
  const packed = join(place, name);

  test("has the mark, and no other key's", async () => {
    await writeQuantised(marked, packed, pack);
    expect(await verifyAt(packed)).toMatchObject({ present: true, payload: { hex: "00c0ffee" } });
    expect(await verifyAt(packed, { key: testKey(2) })).toMatchObject({ present: false, payload: null });
  });

  test("takes no mark of its own", async () => {
    await using model = await openCheckpoint(packed);
    expect(() => requireMarkable(model)).toThrow(expect.objectContaining({ code: "QUANTIZED_WEIGHTS" }));
  });
});
