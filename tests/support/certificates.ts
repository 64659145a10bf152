import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** DER, just as much of it as certificates need. */
const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
const octets = (bytes: Uint8Array) => tlv(0x04, bytes);
const bits = (bytes: Uint8Array) => tlv(0x03, Buffer.of(0), bytes);
const yes = tlv(0x01, Buffer.of(0xff));

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const encoded = rest.flatMap((arc) => {
    const bytes = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  });
  return tlv(0x06, Buffer.from([40 * first + second, ...encoded]));
}

/** GeneralizedTime, which no year is too late for. */
function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`));
}

function name(common: string): Buffer {
  return sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, Buffer.from(common)))));
}

function extension(id: string, value: Uint8Array, critical: boolean): Buffer {
  return sequence(oid(id), ...(critical ? [yes] : []), octets(value));
}

const ALGORITHMS = {
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
  sha1: "1.2.840.10045.4.1",
} as const;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export type Curve = "P-256" | "P-384" | "P-521";

export function keyPair(curve: Curve = "P-256"): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: curve });
}

export const privatePem = ({ privateKey }: KeyPair): string =>
  privateKey.export({ type: "pkcs8", format: "pem" }) as string;
export const publicPem = ({ publicKey }: KeyPair): string =>
  publicKey.export({ type: "spki", format: "pem" }) as string;

export const EPOCH = new Date("2020-01-01T00:00:00Z");
export const END = new Date("2120-01-01T00:00:00Z");
/** A time at which all certificates that say nothing else are valid. */
export const NOW = new Date("2026-11-30T12:00:00Z");

export interface CertificateOptions {
  readonly subject: string;
  readonly key: KeyPair;
  /** @default by itself */
  readonly issuer?: Issuer;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Basic constraints. @default none */
  readonly authority?: { readonly pathLength?: number } | null;
  /** First byte of the bit string of key usage: 0x80 digital signature, 0x04 certificate signing. @default by `authority` */
  readonly usage?: number | null;
  /** Extended key usage. @default code signing, unless an authority */
  readonly purposes?: readonly string[] | null;
  /** An extension that nobody understands, critical. */
  readonly unknown?: string;
  readonly hash?: keyof typeof ALGORITHMS;
}

export interface Issuer {
  readonly subject: string;
  readonly key: KeyPair;
}

export const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
export const SERVER = "1.3.6.1.5.5.7.3.1";

/** A certificate of X.509 v3, DER. */
export function certificate(options: CertificateOptions): Buffer {
  const { subject, key, authority = null, unknown, hash = "sha256" } = options;
  const issuer = options.issuer ?? { subject, key };
  const usage = options.usage === undefined ? (authority === null ? 0x80 : 0x04) : options.usage;
  const purposes = options.purposes === undefined ? (authority === null ? [CODE_SIGNING] : null) : options.purposes;
  const length = authority?.pathLength;
  const pathLength = length === undefined ? [] : [tlv(0x02, Buffer.of(length))];
  const extensions = [
    ...(authority === null ? [] : [extension("2.5.29.19", sequence(yes, ...pathLength), true)]),
    ...(usage === null ? [] : [extension("2.5.29.15", tlv(0x03, Buffer.of(0, usage)), true)]),
    ...(purposes === null ? [] : [extension("2.5.29.37", sequence(...purposes.map(oid)), false)]),
    ...(unknown === undefined ? [] : [extension(unknown, sequence(), true)]),
  ];
  const algorithm = sequence(oid(ALGORITHMS[hash]));
  const serial = randomBytes(8);
  serial[0] = 1;
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, serial),
    algorithm,
    name(issuer.subject),
    sequence(time(options.notBefore ?? EPOCH), time(options.notAfter ?? END)),
    name(subject),
    createPublicKey(publicPem(key)).export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  return sequence(body, algorithm, bits(sign(hash, body, issuer.key.privateKey)));
}

export function toPem(...certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const lines =
        Buffer.from(der)
          .toString("base64")
          .match(/.{1,64}/g) ?? [];
      return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
    })
    .join("");
}
