import type { ByteSource } from "../bytes/byte-source.ts";
import type { Container } from "./foreign/containers.ts";
import { recogniseForeignFile } from "./foreign-file.ts";
import { FIRST_READ_BYTES } from "./safetensors/limits.ts";
import { beginsHeader } from "./safetensors/prefix.ts";

const MISNAMED: Container = {
  code: "UNSUPPORTED_CONTAINER",
  what: "safetensors under another name",
  advice: "Name that file itself, for it holds safetensors; in a directory only *.safetensors is read.",
};

/**
 * What a file that is called after another container holds, as far as its first bytes tell, and where they cannot, its name;
 * null where neither tells.
 *
 * @param companions see `kindByName`
 */
export async function containerOf(
  source: ByteSource,
  name: string,
  companions: ReadonlySet<string>,
): Promise<Container | null> {
  const { size } = source;
  const head = await source.read(0, Math.min(size, FIRST_READ_BYTES));
  if (beginsHeader(head)) return MISNAMED;
  const found = recogniseForeignFile(head, { name, size, companions });
  return found?.by === "name against content" ? null : found;
}
