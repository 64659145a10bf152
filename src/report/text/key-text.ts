import { escapeText } from "../escape.ts";
import type { KeyReport } from "../schemas/index.ts";
import { type Style, table } from "./style.ts";

const DONE = {
  generate: "new key",
  show: "key",
  rotate: "new key for the next release",
  reseal: "same key, sealed again",
} as const;

export function keyText({ action, key }: KeyReport, style: Style): string[] {
  return [
    `${style.bold(escapeText(key.location))}: ${DONE[action]}`,
    ...table([
      ["id", key.id],
      ["release", escapeText(key.release)],
      ["created", key.created],
      ["replaces", key.replaces ?? "-"],
      ["layers", key.layered ? "have secrets of their own" : "share their secrets: nothing can be opened of it"],
      ["sealed", key.sealed ? "with a passphrase" : "no: whoever reads the file has the key"],
    ]),
    ...(action === "show" ? [] : ["Keep a copy of it where it cannot be lost: without it nobody can verify the mark."]),
  ];
}
