import type { ByteSource } from "../bytes/byte-source.ts";
import type { PlacedLevels } from "../decoding/level-parts.ts";
import type { TensorInfo } from "../formats/tensor-info.ts";

/** A local model as it was opened: plain data. */
export interface Reopening {
  /** Absolute. */
  readonly path: string;
  readonly config: boolean;
  readonly allowLinks?: readonly string[] | undefined;
}

export interface CheckpointFile {
  /** Path relative to the checkpoint root, "/"-separated. */
  readonly path: string;
  /** Absolute path of a local file (worker threads open it again), null for other sources. */
  readonly absolutePath: string | null;
  /** What tensors are read from: the file, or a virtual one in which what is stored in other forms stands as plain values. */
  readonly source: ByteSource;
  /** How worker threads open the model of a virtual file again, which has it under the same number. Left out where none can. */
  readonly virtualOf?: Reopening | undefined;
  /** Bytes that are stored, where `source` is a virtual file. @default the size of `source` */
  readonly storedBytes?: number | undefined;
}

/** Containers that weights are read from. */
export type ContainerName = "safetensors" | "gguf" | "pytorch" | "numpy" | "mlx" | "onnx" | "ctranslate2";

export interface CheckpointTensor extends TensorInfo {
  /** Index into `files`. */
  readonly file: number;
  /** What its values are decoded from, for people: "Q4_K". Left out where they are stored as they are. */
  readonly scheme?: string | undefined;
  /** What its values were rounded to, in the same file. Left out where that is not known. */
  readonly levels?: PlacedLevels | undefined;
  /** Given where it is known that a linear is stored as [in, out] although its name promises [out, in]. */
  readonly inOut?: true | undefined;
}

/** A checkpoint that the one who opened it has to close. */
export interface OpenedCheckpoint extends Checkpoint, AsyncDisposable {}

/** One model: its files, every tensor in them, and what lies beside them. */
export interface Checkpoint {
  /** A path as it was given, or an address: of a Hub repository pinned to its commit, of others without the query. */
  readonly location: string;
  /** The base that was named for an adapter, which is merged into it while it is read. Left out for models as they are. */
  readonly givenBase?: string | undefined;
  /** Commit of a Hub repository, else null or left out. */
  readonly revision?: string | null | undefined;
  readonly container: ContainerName;
  readonly files: readonly CheckpointFile[];
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /**
   * What the header of a model of one file says beside the tensors: comments, and how a fingerprint file is told from
   * weights. Null or left out for several files.
   */
  readonly metadata?: ReadonlyMap<string, string> | null | undefined;
  /** Parsed config.json, or null. Ranks and explains; never decides. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** What a GGUF file says that it was quantised to, "Q4_K_M"; null or left out where it says nothing that is known. */
  readonly fileType?: string | null | undefined;
  /**
   * Why `config` is null although a config.json is there or may be, a clause: for anyone who refuses to go on without it. Null or
   * left out when none is there.
   */
  readonly configProblem?: string | null | undefined;
  /** Observations worth printing (unlisted shard, total_size that lies, unknown header fields ...). */
  readonly notes: readonly string[];
  /** Directories that links beside the weights may lead into, see `OpenOptions.allowLinks`. */
  readonly allowLinks?: readonly string[] | undefined;
  /** The vocabulary that the weights' own file has, written as a tokenizer.json lists tokens; null where it cannot be read. */
  ownTokenizer?(): Promise<Uint8Array | null>;
  /** A small file that lies beside the weights; null when there is none that can be read, or nobody can say. */
  readBeside?(name: string): Promise<Uint8Array | null>;
  verifyUnchanged(): Promise<void>;
  close(): Promise<void>;
}
