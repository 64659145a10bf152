import { blake3 } from "../../../dist/src/kernels/blake3.js";
import { decodeCodes, encodeCodes } from "../../../dist/src/registry/code-file.js";
import { digestOf } from "../../../dist/src/registry/digest.js";
import { ITEM_BYTES, itemCount, itemWidth } from "../../../dist/src/registry/packed-codes.js";
import { changedBytes, joined } from "../bytes.mjs";
import { must } from "../invariant.mjs";

const CHECKSUM_BYTES = 16;
const DIGESTS = [0, 1, 2, 3].map((i) => digestOf(`model ${i}`));

/** A record with a count, a layout or a digest that somebody changed, and its checksum made anew. */
function forged(random, record) {
  const body = changedBytes(random, record.subarray(0, record.length - CHECKSUM_BYTES));
  if (random.chance(0.5) && body.length > 4)
    new DataView(body.buffer).setUint32(
      0,
      random.pick([0, 2 ** 25, 2 ** 25 + 1, 2 ** 32 - 1, 2 ** 24 - 1 + 2 ** 25]),
      true,
    );
  return joined(body, blake3(body).subarray(0, CHECKSUM_BYTES));
}

/** The codes of a registry: a cache, so that nothing is refused; what is found of a model is whole, and as it was written. */
export const target = {
  name: "registry-codes",
  extension: "bin",
  make(random) {
    const records = Array.from({ length: random.small(8) }, () => {
      const record = encodeCodes(random.pick(DIGESTS), random.bytes(ITEM_BYTES * random.small(5)));
      return random.chance(0.2) ? forged(random, record) : record;
    });
    const bytes = joined(...records);
    return random.chance(0.3) ? changedBytes(random, bytes) : bytes;
  },
  async check(bytes) {
    const codes = decodeCodes(bytes, DIGESTS);
    for (const [place, digest] of DIGESTS.entries()) {
      const items = codes.at(place);
      if (items === undefined) continue;
      must(items.length % ITEM_BYTES === 0, "a part of a code");
      for (let item = 0; item < itemCount(items); item++) itemWidth(items, item);
      const record = Buffer.from(encodeCodes(digest, items));
      must(Buffer.from(bytes).includes(record), "codes that no record holds");
    }
  },
};
