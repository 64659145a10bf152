import { NO_PARTS } from "../parts.ts";
import type { IndexedBase } from "../registry-index.ts";
import type { Connection } from "./connect.ts";
import { decodeParts } from "./stored-parts.ts";

/** Bytes of entries that one statement gives, about. */
const PIECE_BYTES = 1 << 23;
const MOST_BLOCKS = 1 << 14;
/** Lengths of name, codes and parts, version, root flag: 4 bytes each; then the digest, the name, the codes, the parts. */
const HEAD_BYTES = 20;
const DIGEST_BYTES = 32;

const SELECT = `
  SELECT string_agg(int4send(octet_length(name)) || int4send(octet_length(codes)) || int4send(octet_length(parts))
    || int4send(version) || int4send(root::int) || digest || name || codes || parts, '') AS packed
  FROM weightmark.registry_entry WHERE ctid >= $1::text::tid AND ctid < $2::text::tid`;

/** An entry with its codes. */
export interface PackedEntry extends IndexedBase {
  readonly version: number;
  /** A view of memory that it shares with its neighbours. */
  readonly codes: Uint8Array;
}

function* unpack(packed: Buffer): Generator<PackedEntry> {
  for (let at = 0; at < packed.length; ) {
    const nameEnd = at + HEAD_BYTES + DIGEST_BYTES + packed.readInt32BE(at);
    const codesEnd = nameEnd + packed.readInt32BE(at + 4);
    const end = codesEnd + packed.readInt32BE(at + 8);
    const start = at + HEAD_BYTES;
    yield {
      digest: packed.toString("hex", start, start + DIGEST_BYTES),
      name: packed.toString("utf8", start + DIGEST_BYTES, nameEnd),
      root: packed.readInt32BE(at + 16) === 1,
      parts: end === codesEnd ? NO_PARTS : decodeParts(packed.subarray(codesEnd, end)),
      version: packed.readInt32BE(at + 12),
      codes: new Uint8Array(packed.buffer, packed.byteOffset + nameEnd, codesEnd - nameEnd),
    };
    at = end;
  }
}

/**
 * All entries with their codes, in no order, inside of a snapshot. The server packs what lies in a range of the table's
 * blocks into one value: a million rows by themselves take the driver five times as long.
 */
export async function* packedEntries(on: Connection): AsyncGenerator<PackedEntry> {
  const { rows } = await on.query<{ blocks: string }>(
    "SELECT pg_relation_size('weightmark.registry_entry') / current_setting('block_size')::int AS blocks",
  );
  const blocks = Number(rows[0]!.blocks);
  let step = 1;
  for (let from = 0; from < blocks; ) {
    const to = Math.min(blocks, from + step);
    const found = await on.query<{ packed: Buffer | null }>(SELECT, [`(${from},0)`, `(${to},0)`]);
    const packed = found.rows[0]!.packed;
    if (packed !== null) yield* unpack(packed);
    // Codes may lie beside the table: how much a block stands for is seen only when it is read.
    const wanted = (step * PIECE_BYTES) / Math.max(packed?.length ?? 0, 1);
    step = Math.max(1, Math.min(Math.floor(wanted), 4 * step, MOST_BLOCKS));
    from = to;
  }
}
