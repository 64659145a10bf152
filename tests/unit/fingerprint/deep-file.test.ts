import { beforeAll, describe, expect, test } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import { parseFingerprint, serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { checkOf } from "../../../src/fingerprint/file-check.ts";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { serializeSafetensors, type TensorData } from "../../../src/formats/safetensors/writer.ts";
import { randomModel } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const PARTS = ["deep.words", "deep.scale", "deep.q"];

let taken: Fingerprint;
let bytes: Uint8Array;
beforeAll(async () => {
  const model = randomModel({ init: 1 }, { width: 64, hidden: 96, layers: 2, vocabulary: 200 });
  taken = await takeFingerprint(await checkpointOf(model), { depth: "deep" });
  bytes = serializeFingerprint(taken);
});

/** What of the manifest is forged here. */
interface DeepManifest {
  version: number;
  size: number;
  width: number;
  vocabulary: number;
  untrained: { count: number };
  networks: {
    layer: number;
    signs: { gate: number };
    values: { up: number };
    channels: number;
    anchors: { rows: number };
  }[];
  code: string;
  more?: number;
}

interface Stored {
  readonly metadata: Map<string, string>;
  readonly tensors: Map<string, TensorData>;
}

/** The file with something of it changed, and its check made anew, as a forger would. */
async function forged(change: (file: Stored) => void, isSealed = true): Promise<Uint8Array> {
  const { metadata, tensors } = await readSafetensorsHeader(memorySource(bytes));
  const file: Stored = {
    metadata: new Map(metadata),
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, begin, end }]) => [
        name,
        { name, dtype, shape, data: bytes.slice(begin, end) },
      ]),
    ),
  };
  change(file);
  const stored = PARTS.map((name) => file.tensors.get(name)?.data ?? new Uint8Array(0));
  if (isSealed) file.metadata.set("deep.check", checkOf(file.metadata.get("deep") ?? "", stored));
  return serializeSafetensors([...file.tensors.values()], file.metadata);
}

const manifest = (change: (value: DeepManifest) => void) =>
  forged(({ metadata }) => {
    const value = JSON.parse(metadata.get("deep")!) as DeepManifest;
    change(value);
    metadata.set("deep", JSON.stringify(value));
  });

const refused = async (file: Promise<Uint8Array>): Promise<string> =>
  (await refusal(parseFingerprint(await file, "memory"), "FINGERPRINT_MALFORMED")).message;

describe("a deep part in its file", () => {
  test("comes back as it was, and is written as it was", async () => {
    const back = await parseFingerprint(bytes, "memory");
    expect(back.deep).toEqual(taken.deep);
    expect(Buffer.compare(serializeFingerprint(back), bytes)).toBe(0);
  });

  test("of another version is left out, and the rest stays", async () => {
    const back = await parseFingerprint(
      await manifest((value) => {
        value.version = 2;
      }),
      "memory",
    );
    expect(back.deep).toBeUndefined();
    expect(back.sketches).toEqual(taken.sketches);
  });

  test("is refused when it was damaged", async () => {
    expect(
      await refused(
        forged(({ tensors }) => {
          tensors.get("deep.words")!.data[5]! ^= 1;
        }, false),
      ),
    ).toContain("damaged or altered");
    expect(
      await refused(
        forged(({ metadata }) => {
          metadata.delete("deep");
        }, false),
      ),
    ).toContain("damaged or altered");
  });

  test.each<[string, (value: DeepManifest) => void]>([
    [
      "a frame of no tokens",
      (value) => {
        value.size = 0;
      },
    ],
    [
      "a larger frame",
      (value) => {
        value.size = 64;
      },
    ],
    [
      "a stream wider than any",
      (value) => {
        value.width = 2 ** 30;
      },
    ],
    [
      "another width than its columns have",
      (value) => {
        value.width = 65;
      },
    ],
    [
      "tokens that the model has not",
      (value) => {
        value.vocabulary = 3;
      },
    ],
    [
      "more tokens never seen than there are",
      (value) => {
        value.untrained.count = 512;
      },
    ],
    [
      "more neurons than are there",
      (value) => {
        value.networks[0]!.signs.gate = 97;
      },
    ],
    [
      "a slice of more rows",
      (value) => {
        value.networks[0]!.values.up = 500;
      },
    ],
    [
      "a layer that the model has not",
      (value) => {
        value.networks[0]!.layer = 2;
      },
    ],
    [
      "one layer twice",
      (value) => {
        value.networks[1]!.layer = 0;
      },
    ],
    [
      "a frame that is no run of tokens",
      (value) => {
        value.size = 40;
      },
    ],
    [
      "more channels of values",
      (value) => {
        value.networks[0]!.channels = 100;
      },
    ],
    [
      "anchors of another size",
      (value) => {
        value.networks[1]!.anchors.rows = 1;
      },
    ],
    [
      "one network too many",
      (value) => {
        value.networks.push(value.networks[0]!);
      },
    ],
    [
      "a code that is none",
      (value) => {
        value.code = "00";
      },
    ],
    [
      "a field that is unknown",
      (value) => {
        value.more = 1;
      },
    ],
  ])("is refused with %s", async (_, change) => {
    expect(await refused(manifest(change))).toMatch(/deep part|manifest is wrong/);
  });

  test("is refused with a token that is named twice", async () => {
    const file = forged(({ tensors }) => {
      const words = new DataView(tensors.get("deep.words")!.data.buffer);
      words.setUint32(0, words.getUint32(4, true), true);
    });
    expect(await refused(file)).toContain("names a token twice");
  });

  test("is refused with signs beyond the end of a row", async () => {
    // The frame has 48 tokens: behind their ids the held-out rows begin, of which the second word has 16 signs.
    const file = forged(({ tensors }) => {
      const words = new DataView(tensors.get("deep.words")!.data.buffer);
      words.setUint32(4 * (96 + 1), 1 << 16, true);
    });
    expect(await refused(file)).toContain("beyond its rows");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 3e38])("is refused with a scale of %d", async (scale) => {
    const file = forged(({ tensors }) => {
      new DataView(tensors.get("deep.scale")!.data.buffer).setFloat32(0, scale, true);
    });
    expect(await refused(file)).toContain("that no weights have");
  });
});
