import { subset } from "../numerics/prng.ts";
import type { Fingerprint, LayerCode, Sketch } from "./fingerprint.ts";

const CODE_BITS = 256;
/** The finest code: 8 rows give 32 columns each. */
const CODE_ROWS = 8;

/** Codes of a fingerprint in the order of its sketches; those of matrices without a usable row are left out. */
export function layerCodes(fingerprint: Fingerprint): LayerCode[] {
  const codes: LayerCode[] = [];
  for (const sketch of fingerprint.sketches) {
    if (sketch.tokens || sketch.expert > 0) continue;
    const code = sketchCode(sketch);
    if (code !== null) {
      codes.push({ component: sketch.component, layer: sketch.layer, role: sketch.role, cols: sketch.cols, code });
    }
  }
  return codes;
}

/** 256 sign bits: a fixed pseudo-random subset of columns of 8 rows spread over the sketch. */
export function sketchCode(sketch: Sketch): Uint8Array | null {
  const height = sketch.sampled.length;
  if (height === 0 || !sketch.valid.some(Boolean)) return null;
  const rows = Math.min(CODE_ROWS, height);
  // A router of three experts has three rows, and 256 bits do not share out evenly.
  const columns = subset(sketch.cols, Math.min(sketch.cols, Math.floor(CODE_BITS / rows)), "weightmark code columns");
  const words = Math.ceil(sketch.cols / 32);
  const code = new Uint8Array(CODE_BITS / 8);
  let bit = 0;
  for (let r = 0; r < rows; r++) {
    const row = Math.floor((r * height) / rows);
    for (const j of columns) {
      if ((sketch.bits[row * words + (j >>> 5)]! >>> (j & 31)) & 1) code[bit >> 3]! |= 1 << (bit & 7);
      bit++;
    }
  }
  return code;
}
