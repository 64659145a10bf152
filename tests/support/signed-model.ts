import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Signer, type SignOptions, signModel } from "../../src/signing/index.ts";
import { type KeyPair, keyPair, privatePem, publicPem } from "./certificates.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export const FILES: Readonly<Record<string, string>> = {
  "config.json": "{}\n",
  "model.safetensors": "weights of a model",
  "sub/empty": "",
  "sub/tokens.txt": "a\nb\n",
};

/** A directory of these files. */
export function writeModel(files: Readonly<Record<string, string>> = FILES): string {
  const directory = join(temporaryDirectory(), "model");
  mkdirSync(directory);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

export interface SignedModel {
  readonly directory: string;
  readonly signature: string;
  readonly key: KeyPair;
  readonly trust: { readonly publicKey: { readonly pem: string } };
}

export const signerOf = (key: KeyPair): Signer => ({ privateKey: { pem: privatePem(key) } });
export const trustOf = (key: KeyPair) => ({ publicKey: { pem: publicPem(key) } });

/** A model that is signed by a key. */
export async function signedModel(
  options: SignOptions = {},
  files: Readonly<Record<string, string>> = FILES,
  key: KeyPair = keyPair(),
): Promise<SignedModel> {
  const directory = writeModel(files);
  const { signature } = await signModel(directory, signerOf(key), options);
  return { directory, signature, key, trust: trustOf(key) };
}

/** A signature file as JSON, and its statement. */
export function readSignature(file: string) {
  const bundle = JSON.parse(readFileSync(file, "utf8"));
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8"));
  return { bundle, statement };
}
