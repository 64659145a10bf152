import { isGgufName } from "../../formats/gguf/file-name.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { isArrayName } from "../array-names.ts";
import type { DirectoryListing, SplitFile } from "../directory-listing.ts";
import { MAX_SHARDS } from "../limits.ts";

/** What the name of a piece says. */
interface Piece {
  readonly whole: string;
  /** The same for all pieces of one file, and for no other one. */
  readonly set: string;
  /** From 0. */
  readonly number: number;
  /** Whether the name says that it is a piece, and not a number of something else. */
  readonly isCertain: boolean;
  readonly isLettered: boolean;
  nameOf(number: number): string;
}

/** "model.part1", "model.bin.part-aa", "model-part03of06" ... */
const PART = /^(.+)([._-]part[._-]?)(\d{1,4}|[a-z]{2,3})((?:[._-]?of[._-]?\d{1,4})?)$/i;
/** What split and its like put behind the name of a file; steps of training are counted like this as well. */
const COUNTED = /^(.+)([._])(\d{3,4}|[a-z]{2,3})()$/i;
const ARCHIVE = /\.(?:zip|whl|tar|tgz|gz)$/i;
const A = 97;

function pieceOf(name: string): Piece | null {
  const certain = PART.exec(name);
  const [, whole, separator, count, after] = certain ?? COUNTED.exec(name) ?? [];
  if (whole === undefined || count === undefined || (certain === null && !isFileName(whole))) return null;
  const isNumber = /^\d/.test(count);
  // Filled up with zeros unless written without them; letters always are.
  const width = isNumber && !count.startsWith("0") ? 0 : count.length;
  return {
    whole,
    set: JSON.stringify([whole, separator!.toLowerCase(), isNumber ? 0 : count.length, after!.toLowerCase()]),
    number: isNumber ? Number(count) : [...count.toLowerCase()].reduce((n, c) => n * 26 + c.charCodeAt(0) - A, 0),
    isCertain: certain !== null,
    isLettered: !isNumber,
    nameOf: (number) =>
      `${whole}${separator}${isNumber ? String(number).padStart(width, "0") : lettered(number, width)}${after}`,
  };
}

function isFileName(name: string): boolean {
  return isWeightName(name) || isGgufName(name) || isArrayName(name) || ARCHIVE.test(name);
}

function lettered(number: number, width: number): string {
  let [text, rest] = ["", number];
  for (let i = 0; i < width; i++) {
    text = String.fromCharCode(A + (rest % 26)) + text;
    rest = Math.floor(rest / 26);
  }
  return text;
}

/** Whether a file is a piece of another one by its name, which others beside it may belie. */
export function isPieceName(name: string): boolean {
  return pieceOf(name) !== null;
}

/**
 * The files among some names that were split, in order of name. Pieces count from 0 or 1, or from "aa". What only
 * counts is taken
 * for pieces where none is missing in between.
 */
export function splitFiles(names: Iterable<string>): SplitFile[] {
  const sets = new Map<string, Map<number, { readonly name: string; readonly piece: Piece }>>();
  for (const name of names) {
    const piece = pieceOf(name);
    if (piece === null) continue;
    const set = sets.get(piece.set) ?? new Map();
    sets.set(piece.set, set);
    if (!set.has(piece.number)) set.set(piece.number, { name, piece });
  }
  const files: SplitFile[] = [];
  for (const set of sets.values()) {
    const numbers = [...set.keys()].sort((a, b) => a - b).slice(0, MAX_SHARDS);
    const { piece } = set.get(numbers[0]!)!;
    const first = piece.number === 0 || piece.isLettered ? 0 : 1;
    const gap = numbers.findIndex((number, i) => number !== first + i);
    if (!piece.isCertain && (gap >= 0 || numbers.length === 1)) continue;
    const parts = numbers.map((number) => set.get(number)!.name);
    files.push({ name: piece.whole, parts, missing: gap < 0 ? null : piece.nameOf(first + gap) });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The whole of a folder that holds nothing but its parts, if nothing in its name says what it is. */
export function onlySplit({ split, safetensors, indexes, foreignIndexes, foreign }: DirectoryListing): string | null {
  const [name] = split.keys();
  const isAlone =
    split.size === 1 && ![safetensors, indexes, foreignIndexes, foreign].some((names) => names.length > 0);
  return isAlone ? name! : null;
}
