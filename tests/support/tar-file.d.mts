export interface TarHeaderFields {
  readonly name: string | Uint8Array;
  readonly size?: number;
  readonly type?: string;
  readonly magic?: string;
  readonly prefix?: string | Uint8Array;
  readonly sum?: number;
  readonly sizeField?: Uint8Array | string;
}
export interface TarExtra extends Partial<TarHeaderFields> {
  readonly data: Uint8Array;
}
export interface TarFile extends TarHeaderFields {
  readonly data?: Uint8Array;
  readonly extra?: readonly TarExtra[];
}
export function tarHeader(fields: TarHeaderFields): Buffer;
export function paxRecord(key: string, value: string | Uint8Array): Buffer;
export function tarOf(members: readonly TarFile[], options?: { end?: Uint8Array; fill?: Uint8Array }): Buffer;

export interface Ct2Variable {
  readonly name: string | Buffer;
  readonly shape?: readonly number[];
  readonly type?: number;
  readonly rank?: number;
  readonly data?: Uint8Array;
  readonly bytes?: number;
  readonly said?: number;
}
export function ct2Of(model: {
  version?: number;
  spec?: string | Buffer;
  variables?: readonly Ct2Variable[];
  aliases?: readonly (readonly [string, string])[];
  count?: number;
  aliasCount?: number;
  after?: Uint8Array;
}): Buffer;
