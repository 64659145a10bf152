import { describe } from "vitest";
import { turnedFamily } from "../../support/turned-family.ts";

const FAMILIES = ["phi3", "mixtral", "neox", "llava"] as const;

describe.each(FAMILIES)("linears of a %s stored as [in, out] under names that promise [out, in]", turnedFamily);
