import type { ByteSource } from "../../bytes/byte-source.ts";
import { recogniseForeignFile } from "../../formats/foreign-file.ts";
import { FIRST_READ_BYTES } from "../../formats/safetensors/limits.ts";
import { beginsHeader } from "../../formats/safetensors/prefix.ts";
import { readZip } from "../../formats/zip/archive.ts";
import type { ArchiveKind } from "./archive.ts";

/** What Python installs: never one model, whatever lies in it. */
const PACKAGE = /\.(?:whl|egg)$/i;

/**
 * The kind of an archive that models may lie inside of, by its content; null for everything else, also for archives that are
 * themselves files of weights: those of PyTorch and NumPy.
 *
 * @throws what `readZip` throws, of an archive that holds arrays and perhaps other things
 */
export async function archiveKindOf(source: ByteSource, name: string): Promise<ArchiveKind | null> {
  const head = await source.read(0, Math.min(source.size, FIRST_READ_BYTES));
  const found = beginsHeader(head) ? null : recogniseForeignFile(head, { name, size: source.size });
  if (found?.by !== "content") return null;
  const isZip = Buffer.from(head.subarray(0, 4)).toString("latin1") === "PK\x03\x04";
  if (isZip && PACKAGE.test(name)) return "zip";
  switch (found.kind) {
    case "zip":
    case "gzip":
      return found.kind;
    case "tar":
    case "nemo":
      return "tar";
    // The first bytes of an archive show the names inside of an archive that is stored in it.
    case "pytorch":
    case "torchScript":
      return !isZip || (await hasMember(source, /^[^/]+\/data\.pkl$/)) ? null : "zip";
    case "numpyArchive":
      return (await hasMember(source, /(?<!\.npy)$/)) ? "zip" : null;
    default:
      return null;
  }
}

async function hasMember(source: ByteSource, name: RegExp): Promise<boolean> {
  return [...(await readZip(source)).keys()].some((member) => name.test(member));
}
