import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from "node:crypto";
import { readCertificate } from "../../src/timestamps/certificate.ts";
import { derInteger, derOf, derOid, derSequence } from "../../src/timestamps/der-writer.ts";

/** A certificate with the key that it is for. */
export interface Holder {
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  readonly kind: Kind;
}

type Kind = "ec" | "rsa" | "pss";

export interface CertificateOptions {
  readonly name?: string;
  readonly kind?: Kind;
  readonly serial?: bigint;
  /** GeneralizedTime. */
  readonly from?: string;
  readonly until?: string;
  readonly isAuthority?: boolean;
  readonly pathLength?: bigint;
  readonly purposes?: readonly string[];
  readonly purposesCritical?: boolean;
  /** Bits of keyUsage, most significant first; null leaves it out. */
  readonly usage?: number | null;
  readonly unknownCritical?: boolean;
  readonly signature?: Uint8Array;
  readonly by?: Holder;
}

export interface TokenOptions {
  readonly time?: string;
  readonly policy?: string;
  readonly nonce?: bigint;
  readonly digestOid?: string;
  readonly imprint?: Uint8Array;
  readonly accuracy?: Uint8Array;
  readonly certificates?: readonly Uint8Array[];
  /** Attributes left out, by type. */
  readonly without?: readonly string[];
  /** The certificate that is named in the signed attributes. @default the signer's */
  readonly named?: Uint8Array;
  readonly extension?: Uint8Array;
  readonly signature?: (data: Uint8Array) => Uint8Array;
  readonly algorithm?: Uint8Array;
}

export const SHA256 = "2.16.840.1.101.3.4.2.1";
export const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const TAG = { bool: 1, integer: 2, bits: 3, octets: 4, nothing: 5, utf8: 12, set: 0x31, generalized: 0x18 };

const derContext = (n: number, ...parts: readonly Uint8Array[]) => derOf(0xa0 | n, ...parts);
const oid = (text: string) => derOid(text)!;
const digestId = (text = SHA256) => derSequence(oid(text), derOf(TAG.nothing));
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();
const text = (value: string) => Buffer.from(value, "latin1");

/** RSASSA-PSS with SHA-256, its own mask and a salt of 32 bytes. */
export const PSS = derSequence(
  oid("1.2.840.113549.1.1.10"),
  derSequence(
    derContext(0, digestId()),
    derContext(1, derSequence(oid("1.2.840.113549.1.1.8"), digestId())),
    derContext(2, derInteger(32n)),
  ),
);

const ALGORITHMS: Readonly<Record<Kind, Uint8Array>> = {
  ec: derSequence(oid("1.2.840.10045.4.3.2")),
  rsa: derSequence(oid("1.2.840.113549.1.1.11"), derOf(TAG.nothing)),
  pss: PSS,
};

function signed({ key, kind }: Pick<Holder, "key" | "kind">, data: Uint8Array): Uint8Array {
  const padding = kind === "pss" ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return sign("sha256", data, { key, ...padding } as SignKeyObjectInput);
}

function newKey(kind: Kind): KeyObject {
  return kind === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

function nameOf(common: string): Uint8Array {
  return derSequence(derOf(TAG.set, derSequence(oid("2.5.4.3"), derOf(TAG.utf8, Buffer.from(common)))));
}

/** A certificate, by default of a root that signs itself. */
export function certify(options: CertificateOptions = {}): Holder {
  const { name = "root", kind = "ec", isAuthority = true, by, pathLength } = options;
  const key = newKey(kind);
  const self = { key, kind };
  const issuer = by === undefined ? nameOf(name) : readCertificate(by.certificate).subject;
  const algorithm = ALGORITHMS[(by ?? self).kind];
  const extension = (id: string, critical: boolean, value: Uint8Array) =>
    derSequence(oid(id), ...(critical ? [derOf(TAG.bool, Uint8Array.of(0xff))] : []), derOf(TAG.octets, value));
  const isTrue = derOf(TAG.bool, Uint8Array.of(0xff));
  const constraints = [...(isAuthority ? [isTrue] : []), ...(pathLength === undefined ? [] : [derInteger(pathLength)])];
  const { purposes = isAuthority ? null : [TIME_STAMPING], purposesCritical = true } = options;
  const { usage = isAuthority ? 0x04 : 0x80 } = options;
  const extensions = [
    extension("2.5.29.19", true, derSequence(...constraints)),
    ...(usage === null ? [] : [extension("2.5.29.15", true, derOf(TAG.bits, Uint8Array.of(0, usage)))]),
    ...(purposes === null ? [] : [extension("2.5.29.37", purposesCritical, derSequence(...purposes.map(oid)))]),
    ...(options.unknownCritical ? [extension("1.2.3.4", true, derSequence())] : []),
  ];
  const { from = "20250101000000Z", until = "20350101000000Z", serial = 7n } = options;
  const body = derSequence(
    derContext(0, derInteger(2n)),
    derInteger(serial),
    algorithm,
    issuer,
    derSequence(...[from, until].map((time) => derOf(TAG.generalized, text(time)))),
    nameOf(name),
    createPublicKey(key).export({ format: "der", type: "spki" }),
    derContext(3, derSequence(...extensions)),
  );
  const signature = options.signature ?? signed(by ?? self, body);
  return { certificate: derSequence(body, algorithm, derOf(TAG.bits, Uint8Array.of(0), signature)), ...self };
}

/** A certificate for time stamps. */
export function timeAuthority(by: Holder, options: CertificateOptions = {}): Holder {
  return certify({ name: "clock", isAuthority: false, serial: 9n, ...options, by });
}

/** A time stamp token over data, by default one that is good. */
export function stampToken(data: Uint8Array, signer: Holder, options: TokenOptions = {}): Uint8Array {
  const { time = "20260501120000Z", policy = "1.2.3.4.1", digestOid = SHA256, without = [] } = options;
  const content = derSequence(
    derInteger(1n),
    oid(policy),
    derSequence(digestId(digestOid), derOf(TAG.octets, options.imprint ?? sha256(data))),
    derInteger(5n),
    derOf(TAG.generalized, text(time)),
    ...(options.accuracy === undefined ? [] : [options.accuracy]),
    ...(options.nonce === undefined ? [] : [derInteger(options.nonce)]),
    ...(options.extension === undefined ? [] : [derContext(1, options.extension)]),
  );
  const info = "1.2.840.113549.1.9.16.1.4";
  const named = derSequence(derSequence(derSequence(derOf(TAG.octets, sha256(options.named ?? signer.certificate)))));
  const attributes = [
    ["1.2.840.113549.1.9.3", oid(info)],
    ["1.2.840.113549.1.9.4", derOf(TAG.octets, sha256(content))],
    ["1.2.840.113549.1.9.16.2.47", named],
  ] as const;
  const all = attributes
    .filter(([type]) => !without.includes(type))
    .map(([type, value]) => derSequence(oid(type), derOf(TAG.set, value)));
  const { issuer, serial } = readCertificate(signer.certificate);
  const signature = (options.signature ?? ((bytes) => signed(signer, bytes)))(derOf(TAG.set, ...all));
  const signerInfo = derSequence(
    derInteger(1n),
    derSequence(issuer, derInteger(serial)),
    digestId(),
    derContext(0, ...all),
    options.algorithm ?? ALGORITHMS[signer.kind],
    derOf(TAG.octets, signature),
  );
  const signedData = derSequence(
    derInteger(3n),
    derOf(TAG.set, digestId()),
    derSequence(oid(info), derContext(0, derOf(TAG.octets, content))),
    derContext(0, ...(options.certificates ?? [signer.certificate])),
    derOf(TAG.set, signerInfo),
  );
  return derSequence(oid("1.2.840.113549.1.7.2"), derContext(0, signedData));
}

/** A reply that grants a token, or another of this status with bits of its failure. */
export function stampReply(token: Uint8Array | null, status = 0n, failure?: Uint8Array): Uint8Array {
  const info = [derInteger(status), ...(failure === undefined ? [] : [derOf(TAG.bits, failure)])];
  return derSequence(derSequence(...info), ...(token === null ? [] : [token]));
}
