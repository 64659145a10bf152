import { isSync } from "../bytes/byte-source.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { DTYPE_BITS } from "../formats/tensor-info.ts";
import { decodeToF32 } from "../kernels/decode.ts";

/** Bytes compared at a time. */
const PIECE = 4 << 20;

/** Reads weights as f32 through two buffers that grow to the largest piece asked for. */
export class WeightReader {
  bytesRead = 0;
  readonly #checkpoint: Checkpoint;
  #raw = new Uint8Array(0);
  #values = new Float32Array(0);

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  /** Elements [first, first + count) in storage order: a view that the next call overwrites. */
  async elements(name: string, first: number, count: number): Promise<Float32Array> {
    if (this.#values.length < count) this.#values = new Float32Array(count);
    return this.#decode(this.#tensor(name), first, count, this.#values);
  }

  /** A whole vector, the caller's to keep. */
  async vector(name: string, size: number): Promise<Float32Array> {
    return this.#decode(this.#tensor(name), 0, size, new Float32Array(size));
  }

  /** Whether two tensors are stored alike. */
  async sameBytes(one: string, other: string): Promise<boolean> {
    const [a, b] = [this.#tensor(one), this.#tensor(other)];
    if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
    for (let at = 0; at < a.end - a.begin; at += PIECE) {
      const bytes = Math.min(PIECE, a.end - a.begin - at);
      const first = (await this.#bytes(a, at, bytes)).slice();
      if (!Buffer.from(first.buffer).equals(await this.#bytes(b, at, bytes))) return false;
    }
    return true;
  }

  async #decode(tensor: CheckpointTensor, first: number, count: number, out: Float32Array): Promise<Float32Array> {
    const width = DTYPE_BITS[tensor.dtype] / 8;
    return decodeToF32(await this.#bytes(tensor, first * width, count * width), tensor.dtype, out);
  }

  /** Valid until the next call. */
  async #bytes(tensor: CheckpointTensor, offset: number, bytes: number): Promise<Uint8Array> {
    const { source } = this.#checkpoint.files[tensor.file]!;
    const start = tensor.begin + offset;
    this.bytesRead += bytes;
    if (!isSync(source)) return source.read(start, start + bytes);
    if (this.#raw.length < bytes) this.#raw = new Uint8Array(bytes);
    const target = this.#raw.subarray(0, bytes);
    source.readIntoSync(target, start);
    return target;
  }

  #tensor(name: string): CheckpointTensor {
    return this.#checkpoint.tensors.get(name)!;
  }
}
