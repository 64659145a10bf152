/** Cases: results with all that is needed to check them again, a log of who did what, and a seal. */
export { type AddResultsOptions, addResults } from "./add-results.ts";
export type { CaseDocument, CaseInput, CaseLogEntry, CaseResult } from "./case-document.ts";
export type { Given, ReadingInput } from "./given-input.ts";
export { type ByWhom, type NewCaseOptions, newCase } from "./new-case.ts";
export type { RunAgainOptions } from "./run-again.ts";
export { type SealOptions, sealCase } from "./seal-case.ts";
export { unprovenCase } from "./sealed-case.ts";
export { type VerifyCaseOptions, verifyCase } from "./verify-case.ts";
