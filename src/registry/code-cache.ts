import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { codeFilePath, cutCodeFile, encodeCodes, putRecord, readCodeFile } from "./code-file.ts";

/** Packed codes of a registered model, or of one about to be; null when its fingerprint is not sound. */
type ComputeCodes = (digest: string) => Promise<Uint8Array | null>;

/**
 * The code file while a change is under way. The journal knows how long the file was at its last change: what follows is
 * of a change that never happened, and a shorter file is made anew.
 */
export class CodeCache {
  /** Bytes that belong to the change so far; goes into its journal record. */
  length: number;
  private readonly directory: string;
  private readonly compute: ComputeCodes;
  /** What the file had before the change. */
  private readonly lengthBefore: number;
  private isRewritten = false;

  constructor(directory: string, length: number, compute: ComputeCodes) {
    this.directory = directory;
    this.length = length;
    this.lengthBefore = length;
    this.compute = compute;
  }

  /** Adds the codes of a new model to those of `others`. */
  async append(digest: string, items: Uint8Array, others: Iterable<string>): Promise<void> {
    const length = await putRecord(this.directory, this.length, encodeCodes(digest, items));
    if (length === null) await this.rewrite([...others, digest]);
    else this.length = length;
  }

  /** Writes the file anew with the codes of these models, of the sound ones among them at least. */
  async rewrite(digests: readonly string[]): Promise<void> {
    const sorted = [...digests].sort();
    const cached = await readCodeFile(this.directory, sorted);
    const records: Uint8Array[] = [];
    for (const [place, digest] of sorted.entries()) {
      const items = cached.at(place) ?? (await this.compute(digest));
      if (items !== null) records.push(encodeCodes(digest, items));
    }
    const bytes = Buffer.concat(records);
    await writeFileAtomic(codeFilePath(this.directory), bytes, { overwrite: true });
    this.isRewritten = true;
    this.length = bytes.length;
  }

  /**
   * Takes the codes of a change back that did not happen, as far as the disk lets it.
   *
   * @param digests the models that are registered
   */
  async undo(digests: readonly string[]): Promise<void> {
    if (!this.isRewritten) return cutCodeFile(this.directory, this.lengthBefore);
    // Without a file everything is computed anew; with that of another change, records of the next would be lost.
    await this.rewrite(digests).catch(() => cutCodeFile(this.directory, 0));
  }
}
