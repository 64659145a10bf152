import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_PICKLE_BYTES } from "../pickle/limits.ts";
import { type Unpickled, unpickle } from "../pickle/machine.ts";
import { readZip, type ZipArchive, type ZipMember } from "../zip/archive.ts";
import type { StoragePlaces } from "./storage-place.ts";
import { torchFormat } from "./torch-format.ts";

/** What a PyTorch file holds, whichever form it has. */
export interface TorchContents {
  readonly pickle: Unpickled;
  readonly places: StoragePlaces;
  readonly notes: readonly string[];
}

const PICKLE = /^[^/]+\/data\.pkl$/;
/** Longer than "little" and "big". */
const MAX_BYTEORDER = 16;

/**
 * Reads an archive as torch.save has written since PyTorch 1.6, and torch.jit.save.
 *
 * @throws the codes of `readZip` and `unpickle`; PT_MALFORMED, ZIP_MEMBER_UNSUPPORTED
 */
export async function readZipForm(source: ByteSource): Promise<TorchContents> {
  const { location: file } = source;
  const archive = await readZip(source);
  const [pickle, ...others] = [...archive.values()].filter(({ name }) => PICKLE.test(name));
  if (pickle === undefined || others.length > 0) {
    throw new WeightmarkError(
      "PT_MALFORMED",
      `${others.length + (pickle ? 1 : 0)} members are called data.pkl, not one`,
      { file },
    );
  }
  const root = pickle.name.slice(0, pickle.name.indexOf("/") + 1);
  const bigEndian = await isBigEndian(source, archive.get(`${root}byteorder`));
  const bytes = await content(source, pickle, MAX_PICKLE_BYTES);
  const notes: string[] = [];
  if ([...archive.keys()].some((name) => name.startsWith(`${root}code/`))) {
    notes.push("a TorchScript module: its parameters were read, not its code nor its constants");
  }
  return { pickle: unpickle(bytes, torchFormat(file), file), places: placesIn(archive, root, bigEndian, file), notes };
}

async function isBigEndian(source: ByteSource, member: ZipMember | undefined): Promise<boolean> {
  if (member === undefined) return false;
  const order = Buffer.from(await content(source, member, MAX_BYTEORDER)).toString("latin1");
  if (order !== "little" && order !== "big") {
    throw new WeightmarkError("PT_MALFORMED", "the byteorder is neither little nor big", { file: source.location });
  }
  return order === "big";
}

/** The bytes of a member, `most` of them. */
async function content(source: ByteSource, member: ZipMember, most: number): Promise<Uint8Array> {
  requireStored(member, source.location);
  const { name, start, end } = member;
  if (end - start <= most) return source.read(start, end);
  throw new WeightmarkError(
    "PICKLE_LIMIT",
    `${JSON.stringify(name.slice(0, 80))} has ${end - start} bytes, more than ${most}`,
    {
      file: source.location,
    },
  );
}

function requireStored({ stored, name }: ZipMember, file: string, tensor?: string): void {
  if (stored) return;
  const shown = JSON.stringify(name.slice(0, 80));
  throw new WeightmarkError("ZIP_MEMBER_UNSUPPORTED", `${shown} is compressed or encrypted`, { file, tensor });
}

function placesIn(archive: ZipArchive, root: string, bigEndian: boolean, file: string): StoragePlaces {
  return {
    bigEndian,
    begin(key, bytes, tensor) {
      const member = archive.get(`${root}data/${key}`);
      const wrong = (message: string) => new WeightmarkError("PT_STORAGE_WRONG", message, { file, tensor });
      if (member === undefined) throw wrong("its bytes are not in the archive");
      requireStored(member, file, tensor);
      const { start, end } = member;
      if (end - start !== bytes) throw wrong(`its bytes are ${end - start} in the archive and ${bytes} in the pickle`);
      return start;
    },
  };
}
