import { resolve } from "node:path";
import type { ByteBudget } from "../bytes/byte-budget.ts";
import { closing } from "../bytes/closing.ts";
import { splitInside } from "../bytes/inside-location.ts";
import { BlockMemory } from "../bytes/read-ahead.ts";
import { WeightmarkError } from "../errors.ts";
import { beginsGguf } from "../formats/gguf/header.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { type AdapterAndBase, adapterAndBase } from "./adapter/pair-location.ts";
import { enterArchive } from "./archive/enter-archive.ts";
import { arrayKind } from "./array-file.ts";
import { type Assembly, addFiles, type Reading } from "./assembly.ts";
import { readBeside } from "./beside.ts";
import type { Checkpoint, CheckpointFile, OpenedCheckpoint } from "./checkpoint.ts";
import { type Config, contradictions, readConfig } from "./config.ts";
import { withoutData } from "./data-files.ts";
import type { DirectoryListing } from "./directory-listing.ts";
import { onlyForeignInside } from "./foreign-weights.ts";
import { addGguf, type GgufFacts } from "./gguf/add-gguf.ts";
import { ggufSetOf } from "./gguf/gguf-files.ts";
import type { HubRepository } from "./hub/repository.ts";
import { isShardIndex } from "./index-name.ts";
import { addIndexed, openIndex } from "./indexed.ts";
import { chooseLayout, type Layout, requireWhole } from "./layout.ts";
import { MAX_SHARDS } from "./limits.ts";
import { findLocalModel, isPath } from "./local-folder.ts";
import { isRemoteLocation, isWebLocation, localPath } from "./location.ts";
import type { FoundModel, ModelFolder } from "./model-folder.ts";
import { addNamedShard } from "./named-shard.ts";
import { numberedShard } from "./numbered-shards.ts";
import { decodeQuantised } from "./quantised.ts";
import type { Remote } from "./remote.ts";
import { openRemote, type RemoteSettings, remoteSettings } from "./remote-environment.ts";
import { splitNotes, withPieces } from "./split/joined-folder.ts";
import { onlySplit } from "./split/part-names.ts";
import { MAX_TOKENIZER_BYTES } from "./tokenizer-bytes.ts";
import { unfinishedBeside, unfinishedNote } from "./unfinished.ts";

export interface OpenOptions {
  /** Bytes of weight files that may be read, headers included. @default no limit */
  readonly budget?: ByteBudget | undefined;
  /** Whether config.json is read, which explains a model and decides nothing. @default true */
  readonly config?: boolean | undefined;
  /**
   * Nearly everything will be read, mostly in order, as for a watermark: far-away files come in blocks of 4 MiB then, and
   * not in as many requests as reads. @default false
   */
  readonly readAhead?: boolean | undefined;
  /**
   * How models that are not on this machine are reached: a client that is left open, or settings for one that is closed with
   * the model. @default by the environment, see `remoteSettings`
   */
  readonly remote?: Remote | RemoteSettings | undefined;
  /**
   * Ends requests; what is open throws the signal's reason from then on. Local files are read on. Requests are then
   * counted by a scope of the client: who wants the counters passes a scoped client as `remote`, and no signal.
   */
  readonly signal?: AbortSignal | undefined;
  /** What `resolveRepository` gave for this location: saves its requests. */
  readonly repository?: HubRepository | undefined;
  /**
   * Directories that symbolic links in a model's directory may lead into. Else they may lead to files of that directory,
   * and of a Hub cache to its blobs. @default none
   */
  readonly allowLinks?: readonly string[] | undefined;
  /** The model that an adapter at the location is merged into while it is read. @default what the location names behind a "+" */
  readonly base?: string | undefined;
}

/** A file that was named itself stands alone. */
const NAMED_ITSELF = "a file that is named itself is read without config.json: name its directory";

/** What is read of a folder; where nothing can be, it is said what lies below it. */
async function layoutOf(folder: ModelFolder, listing: DirectoryListing): Promise<Layout> {
  try {
    return chooseLayout(folder.location, folder.remote ? listing : await withoutData(folder, listing));
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
    if (error.code === "UNSUPPORTED_CONTAINER" && !folder.remote) throw await onlyForeignInside(folder, listing);
    if (error.code !== "NO_WEIGHTS") throw error;
    const below = await folder.below();
    if (below.length === 0) throw error;
    throw new WeightmarkError(error.code, "no weights in this directory itself", {
      file: folder.location,
      detail: `Name one of the models below it: ${below.join(", ")}.`,
    });
  }
}

/**
 * Refuses a folder whose files are called as PyTorch's might be and are something else, by what they are. For files at hand only:
 * far away, what it is turns out when it is read.
 */
async function requireReadable(
  folder: ModelFolder,
  listing: DirectoryListing,
  files: readonly string[],
): Promise<void> {
  const [first] = files;
  if (first === undefined || isWeightName(first)) return;
  const { source } = await folder.open(first);
  const kind = await arrayKind(source, first).finally(() => source.close());
  if (kind === null) throw await onlyForeignInside(folder, listing);
}

/** What a model says of itself beside its tensors. */
type Facts = Pick<Checkpoint, "config" | "configProblem" | "fileType" | "ownTokenizer">;

async function addFolder(to: Assembly, folder: ModelFolder, reading: Reading): Promise<GgufFacts | null> {
  const listing = await folder.list();
  if (listing === null) throw new Error(`${folder.location} cannot be listed`);
  const split = onlySplit(listing);
  if (split !== null) return addNamed(to, folder, split, reading);
  const { isGguf, index, files, notes } = await layoutOf(folder, listing);
  if (!folder.remote && !isGguf) await requireReadable(folder, listing, files);
  to.notes.push(...notes);
  if (isGguf) return addGguf(to, folder, files, reading);
  if (index !== null) {
    await addIndexed(to, folder, index, await openIndex(folder, index), reading);
    return null;
  }
  if (files.length > MAX_SHARDS) {
    throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_SHARDS} .safetensors files`, {
      file: folder.location,
    });
  }
  await addFiles(to, folder, files, reading);
  return null;
}

/** A file that was named itself: what it begins with decides what it is. */
async function addNamed(to: Assembly, folder: ModelFolder, file: string, reading: Reading): Promise<GgufFacts | null> {
  const opened = await folder.open(file);
  let isTaken = false;
  // Opened once: far away every opening is a request.
  const here: ModelFolder = {
    ...folder,
    open: async (name) => {
      if (isTaken || name !== file) return folder.open(name);
      isTaken = true;
      return opened;
    },
  };
  try {
    if (beginsGguf(await opened.source.read(0, Math.min(opened.source.size, 4)))) {
      const set = ggufSetOf(file, numberedShard(file) === null ? null : await folder.list());
      requireWhole(set, folder.shown(file));
      return await addGguf(to, here, set.files, reading);
    }
    if (numberedShard(file) !== null) await addNamedShard(to, here, file, reading);
    else await addFiles(to, here, [file], reading);
    return null;
  } finally {
    if (!isTaken) await opened.source.close();
  }
}

async function addModel(to: Assembly, found: FoundModel, options: OpenOptions): Promise<Facts> {
  const { folder, file } = found;
  const reading = { budget: options.budget, blocks: options.readAhead ? new BlockMemory() : null };
  let gguf: GgufFacts | null = null;
  if (file === null) gguf = await addFolder(to, folder, reading);
  else if (isShardIndex(file)) await addIndexed(to, folder, file, await openIndex(folder, file), reading);
  else gguf = await addNamed(to, folder, file, reading);
  to.notes.push(...(found.notes ?? []));
  to.notes.push(...(await splitNotes(found, to.files)));
  const named = file === null ? [] : to.files.map(({ path }) => path);
  to.notes.push(...unfinishedNote(await unfinishedBeside(folder, named)));
  if (gguf !== null) return { ...gguf, config: options.config === false ? null : gguf.config };
  const { config, problem, notes } = await configOf(folder, file, options);
  to.notes.push(...notes);
  await decodeQuantised(to, config, options.signal);
  to.notes.push(...contradictions(config, to.tensors.values()));
  // Beside the weights is inside of the archive, where nobody else would look.
  const ownTokenizer = () => readBeside(found, "tokenizer.json", MAX_TOKENIZER_BYTES);
  return { config, configProblem: problem, ...(found.isInside ? { ownTokenizer } : {}) };
}

async function configOf(folder: ModelFolder, file: string | null, options: OpenOptions): Promise<Config> {
  if (options.config === false) return { config: null, problem: null, notes: [] };
  // Nobody has said that there is a config, and asking costs a request.
  if (isWebLocation(folder.location)) {
    return { config: null, problem: "of a web address no config.json is read", notes: [] };
  }
  if (file !== null && !isShardIndex(file)) return { config: null, problem: NAMED_ITSELF, notes: [] };
  return readConfig(folder);
}

/** The same files, of which virtual ones say how threads come by them. */
function reopenable(files: readonly CheckpointFile[], path: string, options: OpenOptions): readonly CheckpointFile[] {
  // Threads share no budget.
  if (options.budget !== undefined && options.budget.limit < Number.POSITIVE_INFINITY) return files;
  const virtualOf = { path: resolve(path), config: options.config !== false, allowLinks: options.allowLinks };
  return files.map((file) => (file.absolutePath === null ? { virtualOf, ...file } : file));
}

async function findRemoteModel(location: string, options: OpenOptions): Promise<FoundModel> {
  // Loaded when needed: undici and what it brings take longer to load than a local model to open.
  const { signal, remote: named = remoteSettings() } = options;
  const isOpen = "client" in named;
  const given = isOpen ? named : await openRemote(named);
  const remote = signal === undefined ? given : { ...given, client: given.client.scope(signal) };
  const close = async () => {
    if (!isOpen) await given.client.close();
  };
  try {
    const found = await locate(location, remote, options);
    return { ...found, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function locate(location: string, remote: Remote, { repository, allowLinks }: OpenOptions): Promise<FoundModel> {
  if (!isWebLocation(location)) {
    const { findHubModel } = await import("./hub/find-hub-model.ts");
    return findHubModel(location, remote, repository, allowLinks);
  }
  const { findWebModel } = await import("./web-folder.ts");
  return findWebModel(location, remote);
}

/** What is found where a location leads, inside of an archive where it leads there. */
async function findModel(location: string, options: OpenOptions): Promise<FoundModel> {
  const isThere = !isRemoteLocation(location) && (await isPath(localPath(location)));
  const split = isThere ? null : splitInside(location);
  const { archive, inside } = split ?? { archive: location, inside: null };
  const outer = await withPieces(
    await (isRemoteLocation(archive)
      ? findRemoteModel(archive, options)
      : findLocalModel(localPath(archive), options.allowLinks)),
  );
  try {
    return await enterArchive(outer, inside, options.budget);
  } catch (error) {
    await outer.close();
    throw error;
  }
}

/**
 * Opens a model: a .safetensors file, a shard index, or a directory that holds either (a snapshot in a Hugging Face cache
 * included), by a path or a `file:` URL; `hf:org/name[@revision][/folder]`, resolved to a commit first; the address of a
 * file or shard index.
 * Reads every header and no weights. A file named directly is read on its own, without config; a shard named directly
 * (`X-00001-of-00003.safetensors`) stands for the model it is part of. `adapter+base` is what merging the adapter into the base
 * would give, see `adapterAndBase` and `mergedModel`.
 *
 * Requests: on the Hub two for the API and one for each weight file and index, config.json and what storage is asked for
 * on top.
 *
 * @throws the codes of `readSafetensorsHeader`, `readShardIndex` and `chooseLayout`; SHARD_MISSING, INDEX_TENSOR_MISSING,
 *   ADAPTER_*, DUPLICATE_TENSOR, PATH_ESCAPES_ROOT, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE; for addresses HTTP_*,
 *   HUB_* and OFFLINE; every file is closed then
 */
export async function openCheckpoint(location: string, options: OpenOptions = {}): Promise<OpenedCheckpoint> {
  const { base, ...own } = options;
  const pair = base === undefined ? adapterAndBase(location) : { adapter: location, base };
  return pair === null ? openAlone(location, own) : openMerged(pair, own);
}

async function openMerged(pair: AdapterAndBase, options: OpenOptions): Promise<OpenedCheckpoint> {
  // Loaded when needed: nearly all models stand alone.
  const { mergedModel } = await import("./adapter/merged-model.ts");
  const adapter = await openAlone(pair.adapter, { ...options, config: false, repository: undefined });
  try {
    const base = await openAlone(pair.base, { ...options, repository: undefined });
    try {
      return await mergedModel(adapter, base, options.signal);
    } catch (error) {
      await base.close();
      throw error;
    }
  } catch (error) {
    await adapter.close();
    throw error;
  }
}

async function openAlone(location: string, options: OpenOptions): Promise<OpenedCheckpoint> {
  const { allowLinks } = options;
  const found = await findModel(location, options);
  const model: Assembly = {
    files: [],
    tensors: new Map(),
    notes: [],
    metadata: null,
    container: "safetensors",
    passedOver: new Map(),
  };
  const close = async () => {
    await Promise.all(model.files.map(({ source }) => source.close()));
    await found.close();
  };
  try {
    const { config, configProblem, fileType, ownTokenizer } = await addModel(model, found, options);
    const { tensors, notes, metadata, container } = model;
    const files = isRemoteLocation(location) ? model.files : reopenable(model.files, localPath(location), options);
    return closing({
      location: found.location,
      revision: found.revision,
      container,
      files,
      tensors,
      metadata,
      config,
      configProblem,
      fileType,
      notes,
      allowLinks,
      ...(ownTokenizer === undefined ? {} : { ownTokenizer }),
      close,
      readBeside: (name: string) => readBeside(found, name),
      async verifyUnchanged() {
        for (const { source } of files) await source.verifyUnchanged();
      },
    });
  } catch (error) {
    await close();
    throw error;
  }
}
