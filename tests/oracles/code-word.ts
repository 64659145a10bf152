/** Masks of the positions that carry information, by the length of the payload in bytes, from the README of the vectors. */
const MASKS = new Map([
  [4, "000000010001013f0003077f177fffff"],
  [8, "0000000000000001000000010001077f000000030017177f01173fff7fffffff"],
  [
    16,
    "00000000000000000000000000000001000000000000000100000007001717ff" +
      "000000000000001700000117013f7fff0001017f077f7fff177f7fffffffffff",
  ],
]);

const bitsOf = (bytes: Uint8Array): number[] =>
  [...bytes].flatMap((byte) => [...byte.toString(2).padStart(8, "0")].map(Number));

/** CRC-16/IBM-3740, bit by bit. */
function checksum(bytes: Uint8Array): Uint8Array {
  let register = 0xffff;
  for (const bit of bitsOf(bytes)) {
    const carry = (register >> 15) ^ bit;
    register = (register << 1) & 0xffff;
    if (carry === 1) register ^= 0x1021;
  }
  return Uint8Array.of(register >> 8, register & 0xff);
}

/** The code word of 1 to 16 bytes, each bit by its definition: the sum of the bits at the positions that contain its own. */
export function codeWordByText(given: Uint8Array): { readonly payload: Uint8Array; readonly word: number[] } {
  const payload = new Uint8Array([4, 8, 16].find((length) => length >= given.length)!);
  payload.set(given);
  const information = bitsOf(Uint8Array.of(...payload, ...checksum(payload)));
  const mask = bitsOf(Buffer.from(MASKS.get(payload.length)!, "hex"));
  let next = 0;
  const sent = mask.map((carries) => (carries === 1 ? information[next++]! : 0));
  return {
    payload,
    word: sent.map((_, i) => sent.reduce((sum, bit, position) => sum ^ ((position & i) === i ? bit : 0), 0)),
  };
}
