import type { Rotary } from "./architecture.ts";

/** cos and sin of every position and pair, [positions x dims / 2]. */
export interface RotaryTable {
  readonly half: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Angles as the reference library computes them: frequencies and angles in f32, so that far positions turn by the same
 * rounded angles as where the model was trained.
 */
export function rotaryTable(rotary: Rotary, positions: number): RotaryTable {
  const frequencies = rotaryFrequencies(rotary);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]!);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { half, cos, sin };
}

/** theta^(-2 i / dims), slowed down as the scaling says. */
function rotaryFrequencies({ dims, theta, scaling }: Rotary): Float32Array {
  const plain = Float32Array.from({ length: dims / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / dims))),
  );
  switch (scaling.kind) {
    case "none":
      return plain;
    case "linear":
      return plain.map((f) => f / scaling.factor);
    case "llama3": {
      const { factor, lowFrequency, highFrequency, originalPositions } = scaling;
      return plain.map((f) => {
        const turns = (originalPositions * f) / (2 * Math.PI);
        if (turns < lowFrequency) return f / factor;
        if (turns > highFrequency) return f;
        // Between the two, a blend by how many times the pair turns within the context of pre-training.
        const smooth = (turns - lowFrequency) / (highFrequency - lowFrequency);
        return ((1 - smooth) * f) / factor + smooth * f;
      });
    }
  }
}

/** Turns every head of x [tokens x heads * headSize] in place; `positions` has one entry per token. */
export function rotate(x: Float32Array, table: RotaryTable, headSize: number, positions: Int32Array): void {
  const { half, cos, sin } = table;
  const width = x.length / positions.length;
  for (let t = 0, row = 0; row < x.length; t++, row += width) {
    const angles = positions[t]! * half;
    for (let head = row; head < row + width; head += headSize) {
      for (let i = 0; i < half; i++) {
        const a = x[head + i]!;
        const b = x[head + half + i]!;
        const c = cos[angles + i]!;
        const s = sin[angles + i]!;
        x[head + i] = a * c - b * s;
        x[head + half + i] = b * c + a * s;
      }
    }
  }
}
