/**
 * How many chips a carrier has and what they say. A verifier that knows nothing but the key tries every class, so there
 * are few. `payloadBits` 0 is the zero-bit mark: every chip is a pilot.
 */
export interface PayloadClass {
  readonly payloadBits: 0 | 32 | 64 | 128;
  /** Chips that carry bits of the polar code, a power of two. */
  readonly coded: number;
  /** Chips that are always +1. */
  readonly pilots: number;
}

/** Payload plus CRC-16 in a polar code of rate about .28 to .38; a quarter of all chips are pilots. */
export const PAYLOAD_CLASSES: readonly PayloadClass[] = [
  { payloadBits: 0, coded: 0, pilots: 64 },
  { payloadBits: 32, coded: 128, pilots: 43 },
  { payloadBits: 64, coded: 256, pilots: 85 },
  { payloadBits: 128, coded: 512, pilots: 171 },
];

export function chipCount({ coded, pilots }: PayloadClass): number {
  return coded + pilots;
}
