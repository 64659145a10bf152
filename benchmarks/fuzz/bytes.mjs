const encoder = new TextEncoder();

/** UTF-8 of a text. Halves of surrogate pairs become U+FFFD: where they matter they stand escaped. */
export const utf8 = (text) => encoder.encode(text);

export function joined(...parts) {
  return new Uint8Array(Buffer.concat(parts));
}

/** Bytes with some changes that know nothing of what the bytes mean. */
export function changedBytes(random, bytes, other = bytes) {
  let changed = Uint8Array.from(bytes);
  for (let left = 1 + random.small(3); left > 0; left--) changed = changeOnce(random, changed, other);
  return changed;
}

function changeOnce(random, bytes, other) {
  const at = random.below(bytes.length + 1);
  switch (random.below(8)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return bytes.slice(at);
    case 2:
      if (bytes.length > 0) bytes[at % bytes.length] ^= 1 << random.below(8);
      return bytes;
    case 3:
      if (bytes.length > 0)
        bytes[at % bytes.length] = random.pick([0, 10, 32, 34, 44, 91, 123, 127, 128, 192, 237, 255]);
      return bytes;
    case 4:
      return joined(bytes.subarray(0, at), random.bytes(random.small(16)), bytes.subarray(at));
    case 5:
      return joined(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)));
    case 6: {
      const end = at + random.small(bytes.length - at + 1);
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    }
    default: {
      const end = Math.min(bytes.length, at + 1 + random.small(64));
      return joined(bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end));
    }
  }
}

/** Text as bytes; now and then some of them are changed without regard to what they mean, or there are none. */
export function roughly(random, text, other = text) {
  const bytes = utf8(text);
  if (random.chance(0.005)) return new Uint8Array(0);
  if (random.chance(0.01)) return joined(Uint8Array.of(0xef, 0xbb, 0xbf), bytes);
  return random.chance(0.15) ? changedBytes(random, bytes, utf8(other)) : bytes;
}
