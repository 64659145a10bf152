import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with a model of CTranslate2. */
export const CTRANSLATE2_ERRORS = {
  CT2_MALFORMED: {
    kind: "refused",
    meaning: "CTranslate2: the model is damaged or cut off, or what it says of its variables contradicts itself",
    advice: "Fetch the file again; if it stays so, convert the model anew with a converter of CTranslate2.",
  },
  CT2_LIMIT: {
    kind: "refused",
    meaning: "CTranslate2: the model has more variables than any that is known",
    advice: "Check that this is a model of CTranslate2: none that is known comes near these limits.",
  },
  CT2_VERSION: {
    kind: "refused",
    meaning: "CTranslate2: a version of the format that is not known",
    advice: "Convert the model anew with CTranslate2 4, or name the model that it was converted from.",
  },
} as const satisfies Record<string, ErrorEntry>;
