import { byteCount, contentRange, unsatisfiedSize } from "../../../dist/src/bytes/http/content-range.js";
import { openHttpSource } from "../../../dist/src/bytes/http/http-source.js";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { utf8 } from "../bytes.mjs";
import { hostileText, NUMBERS } from "../hostile.mjs";
import { must, Skipped } from "../invariant.mjs";
import { clientOf } from "../range-client.mjs";

const ADDRESS = new URL("https://models.test/a.safetensors");
const MAX_READ = 1 << 20;

function someRange(random) {
  const number = () => random.pick([...NUMBERS, "0", "99", "2999", "3000"]);
  const range = `${random.pick(["bytes ", "bytes=", "", "items "])}${number()}-${number()}/${random.pick([number(), "*", "3000"])}`;
  return random.chance(0.2) ? `bytes */${number()}` : range;
}

const HEADERS = [
  "content-range",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "etag",
  "last-modified",
  "x-linked-size",
  "x-linked-etag",
  "x-repo-commit",
];

function headerOf(random, name) {
  if (random.chance(0.15)) return null;
  if (name === "content-range") return someRange(random);
  if (random.chance(0.3)) return hostileText(random);
  return random.pick([
    ...NUMBERS,
    '"one"',
    'W/"one"',
    '""',
    "gzip",
    "identity",
    "chunked",
    "Thu, 01 Jan 2026 00:00:00 GMT",
    `"${"a".repeat(64)}"`,
  ]);
}

/**
 * How a server that has ranges answers, and what it does wrong, request by request, as JSON: no bytes are read that are not
 * there.
 */
export const target = {
  name: "http-range",
  extension: "json",
  make(random) {
    const faults = Array.from({ length: random.small(5) }, () => {
      const names = Array.from({ length: random.small(4) }, () => random.pick(HEADERS));
      return {
        status: random.chance(0.8) ? null : random.pick([200, 206, 304, 400, 401, 403, 404, 410, 416, 418]),
        headers: Object.fromEntries(names.map((name) => [name, headerOf(random, name)])),
        missing: random.chance(0.2) ? random.below(300) : 0,
        more: random.chance(0.1) ? random.below(300) : 0,
      };
    });
    const number = () =>
      random.pick(random.chance(0.9) ? [0, 1, 99, 1500, 2999, 3000] : [3001, 300_000, 2 ** 31, 2 ** 53, -1, 0.5]);
    const expected = random.chance(0.7)
      ? null
      : { size: random.pick([0, 3000, 2999, 2 ** 40]), sha256: random.chance(0.5) ? null : "a".repeat(64) };
    const reads = Array.from({ length: random.small(4) }, () => {
      const pair = [number(), number()];
      return random.chance(0.9) ? pair.sort((a, b) => a - b) : pair;
    });
    return utf8(
      JSON.stringify({
        faults,
        expected,
        reads,
        header: random.chance(0.6) ? "bytes 0-99/3000" : someRange(random),
      }),
    );
  },
  async check(bytes) {
    const { faults, expected, reads, header } = scenarioOf(bytes);
    const refusals = [];
    const tried = (read) => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof WeightmarkError)) throw error;
        refusals.push(error);
        return null;
      }
    };
    const headers = new Map([["content-range", header]]);
    const range = tried(() => contentRange(headers, "a"));
    if (range !== null) {
      const { start, end, total } = range;
      must(Number.isSafeInteger(end) && 0 <= start && start < end, "a range that cannot be");
      must(total === null || (Number.isSafeInteger(total) && end <= total), "a range behind the end");
    }
    const [, number] = /(\S*)$/.exec(header) ?? [];
    for (const count of [
      tried(() => unsatisfiedSize(headers, "a")),
      tried(() => byteCount(number.replace(/^.*\//, ""), "a")),
    ]) {
      must(count === null || (Number.isSafeInteger(count) && count >= 0), "a count that is none");
    }
    const source = await openHttpSource(clientOf(faults), ADDRESS, { location: "a", expected, pinned: false });
    try {
      must(Number.isSafeInteger(source.size) && source.size >= 0, "a size that is none");
      for (const [start, end] of reads) {
        // A server may say that there is more than fits into memory; nobody reads that at once.
        if (end - start > MAX_READ) continue;
        const read = await source.read(start, end);
        must(read.length === end - start, "another number of bytes than was asked for");
        await source.prefetch([{ start, end }]);
      }
      await source.verifyUnchanged();
    } finally {
      await source.close();
    }
    if (refusals.length > 0) throw refusals[0];
  },
};

function scenarioOf(bytes) {
  try {
    const scenario = JSON.parse(new TextDecoder().decode(bytes));
    const { faults, reads, header, expected } = scenario;
    const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;
    const sound =
      faults.every(
        ({ headers, missing, more }) => typeof headers === "object" && isNumber(missing) && isNumber(more),
      ) &&
      reads.every((pair) => pair.length === 2) &&
      typeof header === "string" &&
      (expected === null || isNumber(expected.size));
    if (sound) return scenario;
  } catch {
    // Skipped below.
  }
  throw new Skipped();
}
