import { isWeightName } from "../safetensors/file-name.ts";
import type { ContainerKind } from "./containers.ts";

const HTML = /^\s*<(?:!doctype\s+html|html|head|body|!--)/i;
const XML = /^\s*<\?xml/i;
/** OpenVINO describes a model in XML; its root is a net with a name and a version. */
const OPEN_VINO = /^\s*(?:<\?xml[^>]*>)?\s*<net\s[^>]*\bversion=/i;
const JSON_START = /^\s*(?:\{\s*["}]|\[\s*[[{"\]\d-])/;
const ANNEX = /^\/?(?:\.git\/)?annex\/objects\//;
const DVC = /^(?:outs:\s+- (?:md5|hash|etag|size|path):|md5: [0-9a-f]{32}\s)/;

/** Fewer characters may be anything. */
const LEAST = 8;
/** As much of a file as is looked at to see whether it is text. */
const LOOKED_AT = 512;

/** The text that bytes are, or null: UTF-8 without control characters, perhaps cut off in the middle of one. */
function textOf(head: Uint8Array): string | null {
  const start = head.subarray(0, LOOKED_AT);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: true });
    return text.length >= LEAST && !/[^\P{Cc}\s]/u.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** Whether bytes begin a text in UTF-16, as shells on Windows write. */
function isUtf16(head: Uint8Array): boolean {
  const start = Buffer.from(head.subarray(0, 64));
  const isLittle = start[0] === 0xff && start[1] === 0xfe;
  if (start.length < LEAST || (!isLittle && (start[0] !== 0xfe || start[1] !== 0xff))) return false;
  for (let at = 2; at + 1 < start.length; at += 2) {
    const unit = isLittle ? start.readUInt16LE(at) : start.readUInt16BE(at);
    if (unit < 9 || unit > 0x7e) return false;
  }
  return true;
}

function kindOfJson(text: string): ContainerKind {
  const [, shard] = /"weight_map"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
  if (shard === undefined) return "json";
  return isWeightName(shard) ? "misnamedIndex" : "foreignIndex";
}

/** What kind of text a file is, or null when it is none. */
export function kindOfText(head: Uint8Array): ContainerKind | null {
  if (isUtf16(head)) return "text";
  const text = textOf(head);
  if (text === null) return null;
  if (OPEN_VINO.test(text)) return "openVino";
  if (HTML.test(text)) return "html";
  if (XML.test(text)) return "xml";
  if (ANNEX.test(text)) return "annex";
  if (DVC.test(text)) return "dvc";
  return JSON_START.test(text) ? kindOfJson(Buffer.from(head).toString("latin1")) : "text";
}
