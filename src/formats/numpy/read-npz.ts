import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import type { StoredArray } from "../stored-array.ts";
import { readZip, type ZipMember } from "../zip/archive.ts";
import { readNpy } from "./read-npy.ts";

const ENDING = ".npy";
/** Headers of arrays as numpy writes them: 128 bytes, of many axes one or two times 64 more. */
const HEADER_BYTES = 256;

/**
 * Reads which arrays lie where in an archive of numpy.savez; each is called what its member is, without the ending.
 *
 * @throws the codes of `readZip` and `readNpy`; ZIP_MEMBER_UNSUPPORTED, PT_NO_TENSORS
 */
export async function readNpz(source: ByteSource): Promise<StoredArray[]> {
  const { location: file } = source;
  const arrays: StoredArray[] = [];
  const visit = async (member: ZipMember) => {
    if (!member.name.endsWith(ENDING)) return;
    const name = member.name.slice(0, -ENDING.length);
    if (!member.stored) {
      throw new WeightmarkError("ZIP_MEMBER_UNSUPPORTED", "the array is compressed or encrypted", {
        file,
        tensor: name,
        detail: "Load it with numpy.load and write it anew with numpy.savez, not numpy.savez_compressed.",
      });
    }
    arrays.push(await readNpy(source, member, name));
  };
  await readZip(source, { bytes: HEADER_BYTES, visit });
  if (arrays.length === 0) throw new WeightmarkError("PT_NO_TENSORS", "no arrays in the archive", { file });
  return arrays;
}
