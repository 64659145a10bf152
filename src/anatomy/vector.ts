import type { Role } from "./anatomy.ts";
import type { TensorName } from "./name.ts";

const NORM = /(?:^|[._])(?:\w*norm\w*|ln_?\w{0,4}|layrnorm)$/i;

/** Role of a parameter that is no matrix. */
export function vectorRole({ suffix, stem }: TensorName): Role {
  if (suffix === "bias") return "bias";
  return NORM.test(stem.slice(stem.lastIndexOf(".") + 1)) ? "norm" : "other";
}
