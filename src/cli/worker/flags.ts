import type { RemoteOptions } from "../remote.ts";
import type { LogFormat } from "../scan/log.ts";

/** Flags of `worker`. */
export interface WorkerFlags extends RemoteOptions {
  readonly database?: string;
  readonly registry?: string;
  readonly watermarkKeys?: string;
  readonly passphraseFile?: string;
  readonly jobs?: number;
  readonly cacheDir?: string;
  /** False with --no-cache. */
  readonly cache?: boolean;
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly drainTimeout?: number;
  readonly once?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly redactPaths?: boolean;
  readonly logFormat?: LogFormat;
}
