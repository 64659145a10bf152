import type { Role } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import { isNormByWords } from "./words.ts";

/** Role of a parameter that is no matrix. */
export function vectorRole({ name: { suffix, stem }, shape }: Parameter): Role {
  if (suffix === "bias") return "bias";
  return shape.length === 1 && isNormByWords(stem.slice(stem.lastIndexOf(".") + 1)) ? "norm" : "other";
}
