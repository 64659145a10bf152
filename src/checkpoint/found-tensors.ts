import type { ByteSource } from "../bytes/byte-source.ts";
import type { TensorInfo } from "../formats/tensor-info.ts";
import type { CheckpointFile, CheckpointTensor, ContainerName } from "./checkpoint.ts";

/** A tensor as a file has it, in the file itself or in one of `ArrayFile.beside`. */
export type FoundTensor = TensorInfo & Partial<Pick<CheckpointTensor, "file" | "scheme" | "inOut" | "levels">>;

/** A file of arrays as a model reads it. */
export interface ArrayFile {
  readonly container: ContainerName;
  /** The file itself where every tensor stands in it as tensors do elsewhere, else a virtual one in which all of them do. */
  readonly source: ByteSource;
  /** `file` 1 is the first of `beside`. @default file 0, the source */
  readonly tensors: readonly FoundTensor[];
  readonly notes: readonly string[];
  /** Further files that its tensors lie in. @default none */
  readonly beside?: readonly CheckpointFile[];
}
