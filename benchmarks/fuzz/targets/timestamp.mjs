import { readFileSync } from "node:fs";
import { askAuthority } from "../../../dist/src/timestamps/ask-authority.js";
import { readCertificate } from "../../../dist/src/timestamps/certificate.js";
import { verifyTimestamp } from "../../../dist/src/timestamps/verify-timestamp.js";
import { changedBytes, joined } from "../bytes.mjs";
import { must, mustEqual } from "../invariant.mjs";

const { data, token, root, says } = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/commitment/timestamp.json", import.meta.url), "utf8"),
);
const TOKEN = new Uint8Array(Buffer.from(token, "base64"));
const ROOTS = [readCertificate(Buffer.from(root, "base64"))];
const DATA = Buffer.from(data);

/** Places of elements in DER and how long their heads are, the elements of elements too. */
function elementsOf(bytes, begin = 0, end = bytes.length, found = []) {
  for (let at = begin; at + 2 <= end; ) {
    const long = bytes[at + 1] & 0x80 ? bytes[at + 1] & 0x7f : 0;
    if (long > 4 || at + 2 + long > end) break;
    let size = long === 0 ? bytes[at + 1] : 0;
    for (let i = 0; i < long; i++) size = size * 256 + bytes[at + 2 + i];
    const head = 2 + long;
    if (at + head + size > end) break;
    found.push({ at, head, size });
    if (bytes[at] & 0x20) elementsOf(bytes, at + head, at + head + size, found);
    at += head + size;
  }
  return found;
}
const ELEMENTS = elementsOf(TOKEN);

/** A token with one element of another tag, another length, twice, or exchanged for another one. */
function changedToken(random) {
  const bytes = Uint8Array.from(TOKEN);
  const { at, head, size } = random.pick(ELEMENTS);
  const whole = bytes.subarray(at, at + head + size);
  const other = random.pick(ELEMENTS);
  switch (random.below(6)) {
    case 0:
      bytes[at] = random.pick([0x02, 0x03, 0x04, 0x05, 0x06, 0x17, 0x18, 0x30, 0x31, 0xa0, 0xa1, 0xa3, 0x24, 0x1f]);
      return bytes;
    case 1:
      bytes[at + 1] = random.pick([0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xff]);
      return bytes;
    case 2:
      if (size > 0) bytes[at + head + random.below(size)] ^= 1 << random.below(8);
      return bytes;
    case 3:
      return joined(bytes.subarray(0, at), whole, bytes.subarray(at));
    case 4:
      return joined(
        bytes.subarray(0, at),
        TOKEN.subarray(other.at, other.at + other.head + other.size),
        bytes.subarray(at + head + size),
      );
    default:
      return changedBytes(random, bytes);
  }
}

/** An authority's reply: a status, and a token or none; now and then with a length that says too much. */
function reply(random, bytes) {
  const status = random.pick([[0], [1], [2], [0x7f], [0xff, 0xff], []]);
  const info = Uint8Array.of(0x30, status.length + 2, 0x02, status.length, ...status);
  const content = joined(info, bytes);
  const size = random.chance(0.9) ? content.length : random.pick([0, 0xffff, 0xffffffff]);
  const head = Uint8Array.of(0x30, 0x84, (size >>> 24) & 255, (size >>> 16) & 255, (size >>> 8) & 255, size & 255);
  // What DER wants: the shortest length. The longer one stands for those who do not heed it.
  const short = size === content.length && size > 255 && size < 65_536;
  return joined(short ? Uint8Array.of(0x30, 0x82, size >>> 8, size & 255) : head, content);
}

/** Whoever asks gets these bytes. */
function clientOf(bytes) {
  const chunks = async function* () {
    yield bytes;
  };
  return { exchange: (_request, read) => read({ status: 200, chunks }) };
}

/**
 * Time stamps, and an authority's replies that hold them: whatever was changed, none says anything but what the authority
 * signed, of other data none says anything, and none answers a question that was not asked.
 */
export const target = {
  name: "timestamp",
  extension: "tsr",
  make(random) {
    const bytes = random.chance(0.9) ? changedToken(random) : TOKEN;
    return random.chance(0.5) ? reply(random, bytes) : bytes;
  },
  async check(bytes) {
    const options = { roots: ROOTS, file: "token" };
    for (const given of [{ data: DATA }, { data: DATA, roots: null }]) {
      const other = () => verifyTimestamp(bytes, { ...options, ...given, data: Buffer.from("other") });
      let isRefused = false;
      try {
        other();
      } catch {
        isRefused = true;
      }
      must(isRefused, "a time stamp of other data is taken");
    }
    const client = clientOf(bytes);
    const asked = await askAuthority("https://tsa.example/", DATA, { client, policy: null, roots: ROOTS }).catch(
      (error) => {
        if (error.name !== "WeightmarkError") throw error;
        return null;
      },
    );
    must(asked === null, "a reply to another question is taken");
    const found = verifyTimestamp(bytes, { ...options, data: DATA });
    mustEqual({ ...found }, { ...says, trusted: true }, "what a changed time stamp says");
  },
};
