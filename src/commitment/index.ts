/** Commitments to keys and models before their release, what is opened of them, and the time stamps on them. */
export { readTrustedRoots } from "../timestamps/trusted-roots.ts";
export type { Timestamp } from "../timestamps/verify-timestamp.ts";
export { checkCommittedModel } from "./check-commitment.ts";
export {
  type Authorities,
  type CommitOptions,
  type Committed,
  commitRelease,
  stampCommitment,
} from "./commit.ts";
export { type Commitment, commitmentDigest, serializeCommitment } from "./commitment.ts";
export { type CommitmentTime, commitmentTime, parseFirstSeen, type TimeOptions } from "./commitment-time.ts";
export { type DiscloseOptions, type Disclosure, disclose, serializeDisclosure } from "./disclosure.ts";
export { type Opening, openingPath, readOpening } from "./opening.ts";
export { parsePrintedDigest, printedDigest } from "./printable.ts";
export { readCommitment } from "./read-commitment.ts";
export { type CommittedOptions, type CommittedResult, committedKey, verifyCommitted } from "./verify-committed.ts";
export { requireCommitmentPlace, writeCommitment } from "./write-commitment.ts";
