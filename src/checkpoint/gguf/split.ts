import { WeightmarkError } from "../../errors.ts";
import type { GgufHeader } from "../../formats/gguf/header.ts";

/**
 * Whether files are the parts of one model, in their order, as they say themselves.
 *
 * @param files their headers, and what messages call them
 * @throws GGUF_SPLIT_INVALID
 */
export function requireParts(files: readonly { readonly header: GgufHeader; readonly file: string }[]): void {
  let tensors = 0;
  for (const [i, { header, file }] of files.entries()) {
    const { metadata } = header;
    const refused = (why: string) => new WeightmarkError("GGUF_SPLIT_INVALID", why, { file });
    // Of a model whose parts were merged again, llama.cpp says that they are 0.
    const count = metadata.get("split.count") || 1;
    const number = metadata.get("split.no") ?? 0;
    if (count !== files.length && files.length === 1) {
      throw new WeightmarkError(
        "GGUF_SPLIT_INVALID",
        `it is a part of a model of ${count}, and its name does not count`,
        {
          file,
          detail:
            "Give the parts the names that they were published with (X-00001-of-00003.gguf), all in one directory.",
        },
      );
    }
    if (count !== files.length)
      throw refused(`it says that there are ${count} parts, its name that there are ${files.length}`);
    if (number !== i) throw refused(`it says that it is part ${number}, counted from 0, its name that it is ${i}`);
    tensors += header.tensors.length;
  }
  const [first] = files;
  const told = first?.header.metadata.get("split.tensors.count");
  if (files.length > 1 && told !== tensors) {
    throw new WeightmarkError("GGUF_SPLIT_INVALID", `all parts hold ${tensors} tensors, the first says ${told}`, {
      file: first!.file,
    });
  }
}
