import type { PemText } from "./pem-text.ts";

/** What to sign with. */
export interface Signer {
  /** In PEM: ECDSA on P-256, P-384 or P-521. */
  readonly privateKey: PemText;
  /** Of an encrypted one. @default none */
  readonly passphrase?: string | null | undefined;
  /** Sign by certificate: that of the key, in PEM. @default by the key alone */
  readonly certificate?: PemText | undefined;
  /** Certificates between that one and a root, in PEM. @default none */
  readonly chain?: readonly PemText[] | undefined;
}
