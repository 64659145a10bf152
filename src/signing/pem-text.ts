/** A key in PEM, and what messages call the file that it came from. */
export interface PemText {
  readonly pem: string;
  readonly file?: string | undefined;
}
