import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../../src/checkpoint/open-checkpoint.ts";
import { orientationEdits } from "../../../../../src/watermark/carriers/orientation/edits.ts";
import { planOrientation } from "../../../../../src/watermark/carriers/orientation/flips.ts";
import { readOrientation } from "../../../../../src/watermark/carriers/orientation/projections.ts";
import { writeMarkedCopy } from "../../../../../src/watermark/copy/marked-copy.ts";
import { hostModel } from "../../../../../src/watermark/host/host-checkpoint.ts";
import { modelKey } from "../../../../../src/watermark/key/model-key.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import { applySigns } from "../../../../support/apply-signs.ts";
import { configOf, KINDS, smallTransformer } from "../../../../support/small-transformer.ts";
import { fileOf } from "../../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const KEY = modelKey(new Uint8Array(32).fill(3), "release");
const SYMBOLS = new Int8Array(64).fill(1);

describe.each(["llama with biases", "mixtral", "gpt2", "gpt_neox"])("a copy of %s", (name) => {
  test.each(["F32", "BF16"] as const)("in %s has the planned signs and no other change", async (dtype) => {
    const kind = KINDS.get(name)!;
    const model = new Map([...smallTransformer(kind, 2)].map(([tensor, t]) => [tensor, { ...t, dtype }]));
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "in"));
    writeFileSync(join(directory, "in/model.safetensors"), fileOf(model));
    writeFileSync(join(directory, "in/config.json"), JSON.stringify(configOf(kind)));
    const checkpoint = await openCheckpoint(join(directory, "in"));
    const units = await readOrientation(hostModel(checkpoint), KEY);
    const flips = planOrientation(units, SYMBOLS, PAYLOAD_CLASSES[0]!, KEY);
    const edits = orientationEdits(checkpoint, flips);
    await writeMarkedCopy(checkpoint, join(directory, "out"), edits, { threads: 0 });

    const copy = await openCheckpoint(join(directory, "out"));
    const wanted = applySigns(model, edits);
    const bytes = fileOf(wanted);
    const { source } = copy.files[0]!;
    expect(Buffer.from(await source.read(0, source.size)).equals(bytes)).toBe(true);
    expect(planOrientation(await readOrientation(hostModel(copy), KEY), SYMBOLS, PAYLOAD_CLASSES[0]!, KEY).size).toBe(
      0,
    );
    await checkpoint.close();
    await copy.close();
  });
});
