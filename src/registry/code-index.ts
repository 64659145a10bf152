import { CODE_BYTES } from "../kernels/bits.ts";
import { itemCode, itemCount, itemWidth } from "./packed-codes.ts";
import { sharedArray } from "./shared-memory.ts";

/**
 * The codes of all bases, ready to be searched: 32 bytes a code and about 12 a base and width. Plain data in shared memory:
 * handed to worker threads it is the same memory, not a copy.
 *
 * Codes are grouped by width, since only codes of one width can be compared. Group g has the members `groupMembers[g]` up to
 * `groupMembers[g + 1]`, in the order of their bases; member m is base `members[m]` with the codes from the end of the
 * member before it up to `codeEnds[m]`.
 */
export interface CodeIndex {
  readonly bases: number;
  /** Of the groups, ascending. */
  readonly widths: Uint32Array;
  readonly groupMembers: Uint32Array;
  readonly members: Uint32Array;
  readonly codeEnds: Float64Array;
  readonly codes: Uint8Array;
}

/** Packed codes of base after base: an array of them, or what fetches them. */
export interface ItemLists {
  readonly length: number;
  /** Asked for twice for every base, in order. */
  at(base: number): Uint8Array | undefined;
}

/** Groups the codes of all bases for the search. */
export function buildCodeIndex(bases: ItemLists): CodeIndex {
  const sizes = groupSizes(bases);
  const widths = sharedArray(Uint32Array, sizes.size);
  widths.set([...sizes.keys()]);
  widths.sort();
  const groupMembers = sharedArray(Uint32Array, widths.length + 1);
  /** Where the next member and the next code of each width go. */
  const next = new Map<number, { member: number; code: number; base: number }>();
  let total = 0;
  widths.forEach((width, group) => {
    const size = sizes.get(width)!;
    next.set(width, { member: groupMembers[group]!, code: total, base: -1 });
    groupMembers[group + 1] = groupMembers[group]! + size.members;
    total += size.codes;
  });
  const members = sharedArray(Uint32Array, groupMembers[widths.length]!);
  const codeEnds = sharedArray(Float64Array, members.length);
  const codes = sharedArray(Uint8Array, total * CODE_BYTES);
  eachItem(bases, (base, items, item) => {
    const place = next.get(itemWidth(items, item))!;
    if (place.base !== base) {
      place.base = base;
      members[place.member++] = base;
    }
    itemCode(items, item, codes, place.code * CODE_BYTES);
    codeEnds[place.member - 1] = ++place.code;
  });
  return { bases: bases.length, widths, groupMembers, members, codeEnds, codes };
}

interface GroupSize {
  members: number;
  codes: number;
  base: number;
}

function groupSizes(bases: ItemLists): Map<number, GroupSize> {
  const sizes = new Map<number, GroupSize>();
  eachItem(bases, (base, items, item) => {
    const width = itemWidth(items, item);
    let size = sizes.get(width);
    if (size === undefined) {
      size = { members: 0, codes: 0, base: -1 };
      sizes.set(width, size);
    }
    if (size.base !== base) size.members++;
    size.base = base;
    size.codes++;
  });
  return sizes;
}

function eachItem(bases: ItemLists, visit: (base: number, items: Uint8Array, item: number) => void): void {
  for (let base = 0; base < bases.length; base++) {
    const items = bases.at(base)!;
    const count = itemCount(items);
    for (let item = 0; item < count; item++) visit(base, items, item);
  }
}
