import { toHex } from "../fingerprint/hex.ts";
import { blake3 } from "../kernels/blake3.ts";

export interface ManifestItem {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** BLAKE3 (hex) over name, type and shape of every tensor, by name: the same for any sharding, order and metadata. */
export function manifestRoot(tensors: Iterable<ManifestItem>): string {
  const lines = [...tensors]
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, dtype, shape }) => `${JSON.stringify([name, dtype, shape])}\n`);
  return toHex(blake3(new TextEncoder().encode(lines.join(""))));
}
