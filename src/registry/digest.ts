import { toHex } from "../fingerprint/hex.ts";
import { blake3 } from "../kernels/blake3.ts";

/** BLAKE3, 64 hex digits. */
export function digestOf(data: Uint8Array | string): string {
  return toHex(blake3(typeof data === "string" ? new TextEncoder().encode(data) : data));
}
