import type { ErrorEntry } from "./error-entry.ts";

/** Commitments, what is opened of them, and the time stamps on them. */
export const COMMITMENT_ERRORS = {
  KEY_NOT_LAYERED: {
    kind: "refused",
    meaning: "the key is of the first version: its layers have no secrets of their own that could be opened",
    advice: "Make a key for the next release (`generateKeyFile`); this one goes on verifying what it marked.",
  },
  COMMITMENT_WITHOUT_MARK: {
    kind: "refused",
    meaning: "the model to be committed carries no mark of the key",
    advice: "Name the marked copy, and the key that it was marked with.",
  },
  COMMITMENT_MALFORMED: {
    kind: "refused",
    meaning: "the file is no commitment, or no opening of one",
    advice: "Take another copy of the commitment, or of what opens it.",
  },
  COMMITMENT_FORGED: {
    kind: "refused",
    meaning: "the commitment was changed after it was signed",
    advice: "Take the file that was published; what it says here proves nothing.",
  },
  COMMITMENT_OF_ANOTHER_KEY: {
    kind: "refused",
    meaning: "another key than this one was committed",
    advice: "Name the commitment that was made with this key, or the key that it was made with.",
  },
  COMMITMENT_MISMATCH: {
    kind: "refused",
    meaning: "what was given is not what was committed: a model, sketch, base or payload with another digest",
    advice: "Name the very file or model that was committed.",
  },
  COMMITMENT_TOO_LATE: {
    kind: "refused",
    meaning: "the commitment is not older than the suspect: it does not show that the key came first",
    advice: "Give the earliest commitment of this key; without one nothing is shown about who came first.",
  },
  DISCLOSURE_MALFORMED: {
    kind: "refused",
    meaning: "the file is no disclosure of layers",
    advice: "Take another copy of the disclosure, as whoever opened the layers wrote it.",
  },
  DISCLOSURE_FORGED: {
    kind: "refused",
    meaning: "an opened layer does not belong to the commitment",
    advice: "Ask who published the commitment for the layers again; what does not fit it proves nothing.",
  },
  DISCLOSURE_OF_OTHER_LAYERS: {
    kind: "refused",
    meaning: "the opened layers are not those that the challenge asks for",
    advice: "Ask for the layers of your challenge; without `challenge` the p-value is corrected for a free choice.",
  },

  TIMESTAMP_MALFORMED: {
    kind: "refused",
    meaning: "the time stamp is damaged, cut off, or none",
    advice: "Have the data stamped again, or take another copy of the file.",
  },
  TIMESTAMP_ALGORITHM: {
    kind: "refused",
    meaning: "the time stamp rests on an algorithm that is not accepted",
    advice: "Have it stamped by an authority that signs by RSA or ECDSA with SHA-256, SHA-384 or SHA-512.",
  },
  TIMESTAMP_OF_OTHER_DATA: {
    kind: "refused",
    meaning: "the time stamp is of other data",
    advice: "Take the time stamp that was made of this file.",
  },
  TIMESTAMP_OF_OTHER_REQUEST: {
    kind: "refused",
    meaning: "the authority answered another request than ours",
    advice: "Ask again; if it goes on, somebody between you and the authority answers in its place.",
  },
  TIMESTAMP_FORGED: {
    kind: "refused",
    meaning: "the signature of the time stamp does not hold",
    advice: "Have the data stamped again: nobody can say when they were there by this one.",
  },
  TIMESTAMP_UNTRUSTED: {
    kind: "refused",
    meaning:
      "the time stamp does not lead to a root that was given, or is by a certificate that is not for time stamps",
    advice: "Give the root certificate of the authority if you trust it; it publishes the file itself.",
  },
  TIMESTAMP_CERTIFICATE_EXPIRED: {
    kind: "refused",
    meaning: "a certificate of the authority was expired at the stamped time",
    advice: "Have the data stamped again by an authority whose certificate is valid.",
  },
  TIMESTAMP_CERTIFICATE_NOT_YET_VALID: {
    kind: "refused",
    meaning: "a certificate of the authority was not valid yet at the stamped time",
    advice: "Have the data stamped again, by an authority whose clock and certificate agree.",
  },
  TIMESTAMP_REFUSED: {
    kind: "refused",
    meaning: "the authority gives no time stamp",
    advice: "See what the authority asks of its users, or ask another one.",
  },
  TIMESTAMP_ROOTS_UNUSABLE: {
    kind: "refused",
    meaning: "the file of trusted roots holds no certificate that can be read",
    advice: "Give the authority's root certificate as PEM or DER.",
  },
} as const satisfies Record<string, ErrorEntry>;
