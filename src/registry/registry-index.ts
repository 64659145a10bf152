import type { Fingerprint, LayerCode } from "../fingerprint/fingerprint.ts";
import type { CandidateSource, RankedBase } from "../lineage/candidate-source.ts";
import type { Part } from "../lineage/part.ts";
import { buildCodeIndex, type CodeIndex, type ItemLists } from "./code-index.ts";
import { bestBases, scoreBases } from "./code-search.ts";
import { packCodes } from "./packed-codes.ts";
import { NO_PARTS } from "./parts.ts";
import { sharedArray } from "./shared-memory.ts";

/**
 * What identification needs of a registry, but for the fingerprints: one state of it, in memory that worker threads share.
 * About 50 bytes, the name and 32 bytes a code for every base.
 */
export interface RegistryIndex {
  /** Of the whole registry: bases of other versions count, though they are not in the index. */
  readonly registry: { readonly entries: number; readonly digest: string; readonly updatedAt: string | null };
  readonly codes: CodeIndex;
  /** 32 bytes a base. Bases are in the order of their digests. */
  readonly digests: Uint8Array;
  /** UTF-8, base after base, each up to its `nameEnds`. */
  readonly names: Uint8Array;
  readonly nameEnds: Float64Array;
  /** 1 where a base was registered as trained from scratch. */
  readonly roots: Uint8Array;
  /** Of the few bases that have parts, by the number of the base; a copy for each thread. */
  readonly parts?: ReadonlyMap<number, readonly Part[]> | undefined;
}

const DIGEST_BYTES = 32;

/** What the index keeps of a base beside its codes. */
export interface IndexedBase {
  readonly digest: string;
  readonly name: string;
  readonly root: boolean;
  readonly parts?: readonly Part[] | undefined;
}

/** `bases` are in the order of their digests, `codes.at(i)` the packed codes of base i. */
export function buildRegistryIndex(
  registry: RegistryIndex["registry"],
  bases: readonly IndexedBase[],
  codes: ItemLists,
): RegistryIndex {
  const digests = sharedArray(Uint8Array, bases.length * DIGEST_BYTES);
  const roots = sharedArray(Uint8Array, bases.length);
  const nameEnds = sharedArray(Float64Array, bases.length);
  const partsOf = new Map<number, readonly Part[]>();
  let length = 0;
  bases.forEach(({ digest, name, root, parts = NO_PARTS }, i) => {
    digests.set(Buffer.from(digest, "hex"), i * DIGEST_BYTES);
    roots[i] = root ? 1 : 0;
    if (parts.length > 0) partsOf.set(i, parts);
    length += Buffer.byteLength(name);
    nameEnds[i] = length;
  });
  const names = sharedArray(Uint8Array, length);
  const text = asBuffer(names);
  bases.forEach(({ name }, i) => {
    text.write(name, i === 0 ? 0 : nameEnds[i - 1]!);
  });
  return { registry, codes: buildCodeIndex(codes), digests, names, nameEnds, roots, parts: partsOf };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The best-scoring bases first, equal ones by digest, at most `limit`. */
export function rankBases(index: RegistryIndex, codes: readonly LayerCode[], limit: number): RankedBase[] {
  return bestBases(scoreBases(index.codes, packCodes(codes)), limit).map(({ base, score }) => {
    const digest = asBuffer(index.digests).toString("hex", base * DIGEST_BYTES, (base + 1) * DIGEST_BYTES);
    const start = base === 0 ? 0 : index.nameEnds[base - 1]!;
    const name = asBuffer(index.names).toString("utf8", start, index.nameEnds[base]!);
    return { digest, name, root: index.roots[base] === 1, parts: index.parts?.get(base) ?? NO_PARTS, score };
  });
}

/**
 * A registry in the state that was indexed, whatever is added to it meanwhile: all threads of a scan answer alike. What is
 * removed meanwhile cannot be loaded any more.
 */
export function indexedSource(index: RegistryIndex, load: (digest: string) => Promise<Fingerprint>): CandidateSource {
  return {
    ...index.registry,
    async candidates(codes, limit) {
      return rankBases(index, codes, limit);
    },
    load,
  };
}
