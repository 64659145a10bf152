import type { Role } from "./anatomy.ts";
import type { TensorName } from "./name.ts";
import { isNormByWords } from "./words.ts";

/** Role of a parameter that is no matrix. */
export function vectorRole({ suffix, stem }: TensorName): Role {
  if (suffix === "bias") return "bias";
  return isNormByWords(stem.slice(stem.lastIndexOf(".") + 1)) ? "norm" : "other";
}
