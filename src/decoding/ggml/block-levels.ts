import type { BlockDecoder } from "./block-decoder.ts";
import { NON_LINEAR } from "./non-linear.ts";

/** How the levels of a block are decoded: as blocks whose codes were all replaced by one. */
export interface BlockLevels {
  readonly step: BlockDecoder;
  readonly low: BlockDecoder | null;
  readonly of: number | Float32Array;
}

/** Where codes lie in a block, bytes [from, to), and what these are filled with. */
type Fill = readonly [from: number, to: number, byte: number];

interface CodePlace {
  readonly bytes: number;
  /** Fills that leave the lowest code everywhere, and the next one. Of a table one that stands for 1. */
  readonly lowest: readonly Fill[] | null;
  readonly next: readonly Fill[];
  readonly of: number | Float32Array;
}

/** In the order of their size; a code of MXFP4 stands for one of them. */
const E2M1 = Float32Array.of(-6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6);

const PLACES: ReadonlyMap<string, CodePlace> = new Map<string, CodePlace>([
  ["Q4_0", { bytes: 18, lowest: [[2, 18, 0]], next: [[2, 18, 0x11]], of: 16 }],
  ["Q4_1", { bytes: 20, lowest: [[4, 20, 0]], next: [[4, 20, 0x11]], of: 16 }],
  ["Q5_0", { bytes: 22, lowest: [[2, 22, 0]], next: fills([2, 6, 0], [6, 22, 0x11]), of: 32 }],
  ["Q5_1", { bytes: 24, lowest: [[4, 24, 0]], next: fills([4, 8, 0], [8, 24, 0x11]), of: 32 }],
  ["Q8_0", { bytes: 34, lowest: [[2, 34, 0x80]], next: [[2, 34, 0x81]], of: 256 }],
  ["Q2_K", { bytes: 84, lowest: [[16, 80, 0]], next: [[16, 80, 0x55]], of: 4 }],
  ["Q3_K", { bytes: 110, lowest: [[0, 96, 0]], next: fills([0, 32, 0], [32, 96, 0x55]), of: 8 }],
  ["Q4_K", { bytes: 144, lowest: [[16, 144, 0]], next: [[16, 144, 0x11]], of: 16 }],
  ["Q5_K", { bytes: 176, lowest: [[16, 176, 0]], next: fills([16, 48, 0], [48, 176, 0x11]), of: 32 }],
  ["Q6_K", { bytes: 210, lowest: [[0, 192, 0]], next: fills([0, 128, 0x11], [128, 192, 0]), of: 64 }],
  ["IQ4_NL", { bytes: 18, lowest: null, next: [[2, 18, 0x88]], of: NON_LINEAR }],
  ["MXFP4", { bytes: 17, lowest: null, next: [[1, 17, 0x22]], of: E2M1 }],
]);

function fills(...each: readonly Fill[]): readonly Fill[] {
  return each;
}

/** What values of a type of ggml were rounded to, as its blocks say; null where that is not known. */
export function blockLevels(type: string, decode: BlockDecoder): BlockLevels | null {
  const place = PLACES.get(type);
  if (place === undefined) return null;
  const { bytes, lowest, next, of } = place;
  const filled = (stored: Uint8Array, fills: readonly Fill[]): Uint8Array => {
    const blocks = stored.slice();
    for (let at = 0; at < blocks.length; at += bytes) {
      for (const [from, to, byte] of fills) blocks.fill(byte, at + from, at + to);
    }
    return blocks;
  };
  if (lowest === null) return { step: (stored, out) => decode(filled(stored, next), out), low: null, of };
  return {
    step(stored, out) {
      const low = new Float32Array(out.length);
      decode(filled(stored, lowest), low);
      decode(filled(stored, next), out);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! - low[i]!;
    },
    low: (stored, out) => decode(filled(stored, lowest), out),
    of,
  };
}
