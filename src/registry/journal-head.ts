import { join } from "node:path";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { corrupt } from "./journal-error.ts";
import { readStored } from "./stored-file.ts";

const MAX_HEAD_BYTES = 4096;

/** What `head.json` says: how far the journal was, so that one that was put back is noticed. */
export interface Head {
  readonly generation: number;
  readonly digest: string;
}

/** Null when there is none. Throws REGISTRY_CORRUPT. */
export async function readHead(directory: string): Promise<Head | null> {
  const bytes = await readStored(join(directory, "head.json"), MAX_HEAD_BYTES);
  if (bytes === null) return null;
  try {
    const { generation, digest } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (Number.isSafeInteger(generation) && (generation as number) > 0 && typeof digest === "string")
      return { generation: generation as number, digest };
  } catch {
    // Falls through to the refusal.
  }
  throw corrupt(directory, "cannot be checked: head.json is damaged");
}

export async function writeHead(directory: string, head: Head): Promise<void> {
  const text = `${JSON.stringify(head)}\n`;
  await writeFileAtomic(join(directory, "head.json"), Buffer.from(text), { overwrite: true });
}
