/** What a change of weights costs: two models run on the same tokens. */
export { engines } from "../numerics/engines.ts";
export { compareQuality, type QualityOptions } from "./compare-quality.ts";
export type { EngineName, ModelFacts, QualityResult } from "./result.ts";
export { readText, readTokenIds } from "./token-file.ts";
export { type Tokenized, tokenize } from "./tokenizer.ts";
export type { Tokens } from "./windows.ts";
