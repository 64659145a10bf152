const POLYNOMIAL = 0x1021;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte << 8;
  for (let bit = 0; bit < 8; bit++) register = (register << 1) ^ (register & 0x8000 ? POLYNOMIAL : 0);
  return register;
});

/**
 * CRC-16 with polynomial x^16 + x^12 + x^5 + 1 (ITU-T V.41), most significant bit first, register preset to 0xffff: the
 * variant that catalogues call CRC-16/IBM-3740. The digits "123456789" give 0x29b1. The preset keeps an all-zero payload
 * from becoming the all-zero code word.
 */
export function crc16(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) register = ((register << 8) & 0xffff) ^ TABLE[(register >> 8) ^ byte]!;
  return register;
}
