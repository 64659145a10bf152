import { z } from "zod";
import { digestOf } from "../../registry/digest.ts";

const SCHEMA = "weightmark/scan-cache@1";
/** The header is some hundred bytes. */
const MAX_HEADER_BYTES = 4096;

const header = z.strictObject({
  schema: z.literal(SCHEMA),
  /** What the entry was stored under: an entry that was moved under another name is none. */
  key: z.string(),
  digest: z.string(),
});

/** An entry as it lies on disk: a line of JSON with the BLAKE3 of what follows, then the payload. */
export function writeEntry(key: string, payload: Uint8Array): Uint8Array {
  const line = JSON.stringify({ schema: SCHEMA, key, digest: digestOf(payload) } satisfies z.infer<typeof header>);
  return Buffer.concat([Buffer.from(`${line}\n`, "utf8"), payload]);
}

/** The payload, or null for anything but the entry that was stored under this key. */
export function readEntry(key: string, bytes: Uint8Array): Uint8Array | null {
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(10);
  if (end < 0) return null;
  let line: unknown;
  try {
    line = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  } catch {
    return null;
  }
  const parsed = header.safeParse(line);
  const payload = bytes.subarray(end + 1);
  const isIntact = parsed.success && parsed.data.key === key && parsed.data.digest === digestOf(payload);
  return isIntact ? payload : null;
}
