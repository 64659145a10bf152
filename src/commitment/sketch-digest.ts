import { openFileSource } from "../bytes/file-source.ts";
import { WeightmarkError } from "../errors.ts";
import { toHex } from "../fingerprint/hex.ts";
import { blake3 } from "../kernels/blake3.ts";
import { parseSketch } from "../watermark/resync/sketch-file.ts";

/** See `readSketch`. */
const MAX_SKETCH_BYTES = 1 << 30;

/**
 * BLAKE3 of a sketch file, hex.
 *
 * @throws SKETCH_OF_ANOTHER_KEY; what `readSketch` throws
 */
export async function sketchDigest(path: string, keyId: string): Promise<string> {
  const source = await openFileSource(path);
  try {
    if (source.size > MAX_SKETCH_BYTES) {
      throw new WeightmarkError("SKETCH_MALFORMED", `${source.size} bytes are too many`, { file: path });
    }
    const bytes = await source.read(0, source.size);
    const sketch = await parseSketch(bytes, path);
    if (sketch.keyId === keyId) return toHex(blake3(bytes));
    const message = `the sketch belongs to key ${sketch.keyId}, not ${keyId}`;
    throw new WeightmarkError("SKETCH_OF_ANOTHER_KEY", message, { file: path });
  } finally {
    await source.close();
  }
}
