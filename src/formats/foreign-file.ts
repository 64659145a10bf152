import { kindOfTar, kindOfZip } from "./foreign/archive.ts";
import { CONTAINERS, type Container, type ContainerKind } from "./foreign/containers.ts";
import { kindByName } from "./foreign/file-name.ts";
import { kindByMagic } from "./foreign/magic.ts";
import { kindOfProtobuf } from "./foreign/protobuf.ts";
import { kindByStructure } from "./foreign/structure.ts";
import { kindOfText } from "./foreign/text.ts";

/** What a file is instead of safetensors. */
export interface ForeignFile extends Container {
  readonly kind: ContainerKind;
  /**
   * What says so: its content; its name, of a kind whose content could be anything; or its name against its content, for
   * files of that kind begin otherwise.
   */
  readonly by: "content" | "name" | "name against content";
}

/** What is known of a file beside its first bytes. */
export interface AboutFile {
  /** Its name; directories before it do not matter. @default nothing that says anything */
  readonly name?: string;
  /** Bytes of the whole file. @default more than can be told */
  readonly size?: number;
  /** See `kindByName`. @default none */
  readonly companions?: ReadonlySet<string>;
}

/** Kinds that are made of others: the name says which, where the content says no more than what they are made of. */
const MADE_OF: Partial<Record<ContainerKind, readonly ContainerKind[]>> = {
  deepSpeed: ["pytorch", "zip", "oldPytorch"],
  megatron: ["pytorch", "zip", "oldPytorch"],
  distributed: ["pytorch", "zip", "pickle"],
  torchMobile: ["pytorch", "torchScript", "zip"],
  torchExport: ["zip"],
  pytorch: ["zip"],
  nemo: ["tar"],
  keras: ["zip"],
  paddle: ["pickle", "oldPytorch"],
  unfinished: ["pytorch", "oldPytorch", "pickle", "zip", "tar", "gguf", "hdf5", "numpyArchive", "onnx", "tfLite"],
};

/** Kinds whose files, or some of them, begin with what is not known here: there the name is all that tells. */
const UNSIGNED: ReadonlySet<ContainerKind> = new Set<ContainerKind>([
  "onnx",
  "coreMl",
  "tensorRt",
  "pickle",
  "paddle",
  "onnxData",
  "openVino",
  "mnn",
  "ncnn",
  "rknn",
  "mlc",
  "tfJs",
  "paddleInference",
  "mindIr",
  "caffe",
  "tfCheckpoint",
  "flax",
  "orbax",
  "encrypted",
  "unfinished",
]);

/** Leaves out what the first bytes alone cannot tell. */
function kindByContent(head: Uint8Array, size: number): ContainerKind | null {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const text = bytes.toString("latin1");
  return (
    kindByMagic(text) ??
    kindOfZip(text) ??
    kindOfTar(text) ??
    kindByStructure(bytes) ??
    kindOfText(head) ??
    kindOfProtobuf(head, size)
  );
}

/**
 * What a file is by its first bytes, and where these do not tell by its name; null when neither does. Asked once it is
 * clear that the bytes do not begin safetensors: whatever a file is called, its content is believed first.
 *
 * @param head the first bytes, 65,536 or more where there are as many
 */
export function recogniseForeignFile(head: Uint8Array, about: AboutFile = {}): ForeignFile | null {
  const { name = "", size = Number.MAX_SAFE_INTEGER, companions } = about;
  const content = kindByContent(head, size);
  const named = kindByName(name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1), companions);
  const madeOf = named === null ? undefined : MADE_OF[named];
  const kind = content === null || madeOf?.includes(content) ? named : content;
  if (kind === null) return null;
  const by = content !== null ? "content" : UNSIGNED.has(kind) ? "name" : "name against content";
  return { kind, by, ...CONTAINERS[kind] };
}
