import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";

const RECORD_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;

/**
 * Refuses a file that zip readers open as well: they look for their directory at the end, so that a loader that tries
 * torch.load would run a pickle out of the tensors' bytes.
 *
 * @throws ST_POLYGLOT
 */
export async function refusePolyglot(source: ByteSource, dataStart: number): Promise<void> {
  const tailStart = Math.max(dataStart, source.size - RECORD_BYTES - MAX_COMMENT_BYTES);
  const tail = Buffer.from(await source.read(tailStart, source.size));
  for (let at = tail.length - RECORD_BYTES; at >= 0; at--) {
    at = tail.lastIndexOf("PK\x05\x06", at, "latin1");
    if (at < 0) return;
    // The record's comment must end where the file ends, and the directory it names must fit before it: chance bytes do not.
    const directoryBytes = tail.readUInt32LE(at + 12);
    const directoryStart = tail.readUInt32LE(at + 16);
    const commentEnds = at + RECORD_BYTES + tail.readUInt16LE(at + 20) === tail.length;
    if (commentEnds && (directoryStart === 0xffffffff || directoryStart + directoryBytes <= tailStart + at)) {
      throw new WeightmarkError("ST_POLYGLOT", "the file is a zip archive as well as safetensors", {
        file: source.location,
        detail: "No tool that trains or converts models writes such a file: treat it as an attack.",
      });
    }
  }
}
