import { isRemoteLocation } from "../checkpoint/location.ts";
import { commitmentDigest } from "../commitment/commitment.ts";
import { readCommitment } from "../commitment/read-commitment.ts";
import { WeightmarkError } from "../errors.ts";
import { openSubject, type SubjectOptions } from "../lineage/open-subject.ts";
import { openAnyCandidates } from "../registry/open-registry.ts";
import { isDatabaseUrl } from "../registry/postgres/connection-url.ts";
import { manifestRoot } from "../report/manifest-root.ts";
import { hashFiles } from "../signing/hash-files.ts";
import { ALWAYS_IGNORED } from "../signing/ignore.ts";
import { listFiles } from "../signing/listing.ts";
import { compareNames } from "../signing/manifest.ts";
import type { CaseInput } from "./case-document.ts";

/** How what is given is read. */
export interface ReadingInput extends Pick<SubjectOptions, "allowLinks" | "signal"> {
  /** Worker threads; 0 works on this thread. @default 2 */
  readonly threads?: number | undefined;
  /** The connection for locations that are addresses. @default none: they are refused */
  readonly remoteOf?: ((location: string) => Promise<SubjectOptions["remote"]>) | undefined;
}

/** Where inputs lie, by the names that the case has for them. */
export type Given = ReadonlyMap<string, string>;

export type InputFiles = NonNullable<CaseInput["files"]>;
type Digests = CaseInput["digests"];

/** An input that is one file has no paths below it. */
export const LONE_FILE = ".";
/** Files of one input that a case lists: no model comes near. */
const MAX_FILES = 10_000;

/** `openSubject` of what was given in the place of an input. */
export async function openGiven(
  place: string,
  { remoteOf, allowLinks, threads, signal }: ReadingInput,
  about: Pick<SubjectOptions, "name" | "root" | "depth" | "deep"> = {},
) {
  return openSubject(place, {
    ...about,
    remote: await remoteOf?.(place),
    allowLinks,
    signal,
    ...(threads === undefined ? {} : { threads }),
  });
}

/**
 * SHA-256 of every file of an input that lies here, by path below it, or of the one file that was named; null of what lies
 * elsewhere. Links are followed as far as models may follow them.
 *
 * @throws CASE_LIMIT; what listing and reading files throws
 */
export async function hashInput(place: string, { allowLinks = [], signal }: ReadingInput): Promise<InputFiles | null> {
  if (isRemoteLocation(place) || isDatabaseUrl(place)) return null;
  const listing = await listFiles(place, { ignored: new Set(ALWAYS_IGNORED), followLinks: true, allowLinks });
  if (listing.files.length > MAX_FILES) {
    throw new WeightmarkError("CASE_LIMIT", `an input has more than ${MAX_FILES} files`, { file: place });
  }
  const files = listing.files.toSorted((a, b) => compareNames(a.path, b.path));
  const digests = await hashFiles(
    files.map((file) => ({ place: file.place, shown: file.path, start: 0, end: file.size, size: file.size })),
    "sha256",
    { signal },
  );
  // A file that was named itself may be called anything.
  return files.map(({ path, size }, i) => ({
    path: listing.isFile ? LONE_FILE : path,
    bytes: String(size),
    sha256: digests[i]!,
  }));
}

/**
 * Those of the wanted digests of an input that can be computed of what was given: `content` and `signed` are not among them.
 *
 * @throws what opening and reading it throws
 */
export async function digestsOfGiven(
  kind: CaseInput["kind"],
  place: string,
  wanted: Digests,
  reading: ReadingInput,
): Promise<Digests> {
  if (kind === "model" || kind === "fingerprint") {
    if (wanted.sampledRoot === undefined) return {};
    const depth = wanted.contentRoot === undefined ? "sampled" : "full";
    await using subject = await openGiven(place, reading, { depth });
    const { roots, tensors } = subject.fingerprint;
    return {
      sampledRoot: roots.sampled,
      ...(wanted.manifestRoot === undefined ? {} : { manifestRoot: manifestRoot(tensors) }),
      ...(wanted.contentRoot === undefined || roots.content === null ? {} : { contentRoot: roots.content }),
    };
  }
  if (kind === "registry") {
    if (wanted.registry === undefined) return {};
    await using registry = await openAnyCandidates(place);
    return { registry: registry.digest };
  }
  if (wanted.statement !== undefined) return { statement: commitmentDigest(await readCommitment(place)) };
  if (wanted.file === undefined) return {};
  const { size, place: file } = (await listFiles(place, { ignored: new Set(), followLinks: true, allowLinks: [] }))
    .files[0]!;
  const [digest] = await hashFiles([{ place: file, shown: place, start: 0, end: size, size }], "blake3");
  return { file: digest! };
}
