import type { Decoder, Levels, Part } from "./decoder.ts";

/** Where the levels of a tensor's values stand in its virtual file, as F32 for each of them. */
export interface PlacedLevels extends Pick<Levels, "of" | "block"> {
  /** Offset of the first step, and of the first lowest level where levels are evenly spaced. */
  readonly step: number;
  readonly low: number | null;
}

const F32_BYTES = 4;

/**
 * Adds the levels of tensors to the parts of a virtual file, behind all that stands there: who reads tensors in order does not
 * come across them.
 *
 * @param end of what stands there
 * @returns for each tensor, undefined where its values were not rounded or there is no room to count
 */
export function placeLevels(
  parts: Part[],
  tensors: readonly { readonly elements: number; readonly levels: Levels | undefined }[],
  end: number,
): (PlacedLevels | undefined)[] {
  let at = Math.ceil(end / F32_BYTES) * F32_BYTES;
  const place = (decoder: Decoder, elements: number): number => {
    const begin = at;
    parts.push({ begin, elements, decoder });
    at += elements * F32_BYTES;
    return begin;
  };
  return tensors.map(({ elements, levels }) => {
    if (levels === undefined || elements === 0) return undefined;
    if (!Number.isSafeInteger(at + 2 * elements * F32_BYTES)) return undefined;
    const { step, low, of, block } = levels;
    return { step: place(step, elements), low: low === null ? null : place(low, elements), of, block };
  });
}
