export type Digest = "sha256" | "sha384" | "sha512";

/** How a signature is made. */
export interface SignatureScheme {
  readonly key: "rsa" | "ec";
  readonly digest: Digest;
  /** Length of the salt of RSASSA-PSS, else null. */
  readonly pssSalt: number | null;
}
