import type { ContainerKind } from "./containers.ts";

/** What pickles of models begin with after PROTO and its version; legacy PyTorch files begin with LONG1. */
const PICKLE_OPCODES = "\x8a\x95}](cX\x8c";

/** The number that torch.save wrote before everything else, in whichever protocol; protocol 4 puts a frame around it. */
const OLD_PYTORCH = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const FRAME = 0x95;

function isOldPytorch(head: Buffer): boolean {
  if (head[0] !== 0x80) return false;
  const at = head[2] === FRAME ? 11 : 2;
  return head.toString("latin1", at, at + OLD_PYTORCH.length) === OLD_PYTORCH;
}

function isPickle(head: Buffer): boolean {
  const [protocol = 0, version = 0, opcode = 0] = head;
  const isKnown = protocol === 0x80 && version >= 2 && version <= 5;
  return isKnown && PICKLE_OPCODES.includes(String.fromCharCode(opcode));
}

/** CTranslate2: the version of the format, the length of the name of what the model is, and that name, which ends with a NUL. */
function isCTranslate2(head: Buffer): boolean {
  if (head.length < 16) return false;
  const [version, length] = [head.readUInt32LE(0), head.readUInt16LE(4)];
  const name = head.toString("latin1", 6, 6 + length);
  return version >= 1 && version <= 20 && name.length === length && /^[A-Z]\w{1,60}Spec\0$/.test(name);
}

/** Bytes before the first key of a MessagePack map, or null when this is none, or an empty one. */
function beforeFirstKey([first = 0]: Buffer): number | null {
  if (first > 0x80 && first <= 0x8f) return 1;
  if (first === 0xde) return 3;
  return first === 0xdf ? 5 : null;
}

/** Another map, or one of the extensions that Flax keeps arrays in. */
function isFlaxValue(byte: number): boolean {
  return (byte >= 0x80 && byte <= 0x8f) || byte === 0xde || byte === 0xdf || (byte >= 0xc7 && byte <= 0xc9);
}

/** MessagePack: a map whose first key is a name, and whose first value is what Flax puts there. */
function isFlax(head: Buffer): boolean {
  const before = beforeFirstKey(head);
  if (before === null || head.length < before + 4) return false;
  const key = head[before]!;
  const isShort = key > 0xa0 && key <= 0xbf;
  if (!isShort && key !== 0xd9) return false;
  const start = before + (isShort ? 1 : 2);
  const end = start + (isShort ? key & 0x1f : head[before + 1]!);
  return /^[\w./ -]+$/.test(head.toString("latin1", start, end)) && isFlaxValue(head[end] ?? 0);
}

/** Kinds without a signature that the structure of their first bytes tells. */
export function kindByStructure(head: Buffer): ContainerKind | null {
  if (isOldPytorch(head)) return "oldPytorch";
  if (isPickle(head)) return "pickle";
  if (isCTranslate2(head)) return "cTranslate2";
  return isFlax(head) ? "flax" : null;
}
