/**
 * Content of a file: bytes, a file on disk (`sha256` saves hashing one that is very large), or a large file that lies
 * nowhere, of which `read` makes the bytes [start, end) that are asked for.
 */
export type FileSource =
  | string
  | Uint8Array
  | { readonly file: string; readonly sha256?: string }
  | { readonly size: number; readonly sha256: string; readonly read: (start: number, end: number) => Buffer };

/** Files of one revision by their path in the repository, or a directory that holds them. */
export type FilesSource = string | Readonly<Record<string, FileSource>>;

export interface RepositorySource {
  /** Revision main. */
  readonly files: FilesSource;
  /** Other revisions by their full names: "refs/heads/dev", "refs/tags/v1", "refs/pr/1". */
  readonly refs?: Readonly<Record<string, FilesSource>>;
  /** Whether only tokens that were granted it know of it. @default false */
  readonly private?: boolean;
  /** Whether only tokens that were granted it get its files. @default false */
  readonly gated?: false | "auto" | "manual";
  readonly likes?: number;
  readonly downloads?: number;
}

export interface HubOptions {
  /** From "org/name"; or a directory org/name/<files>, or name/<files> where there is an `owner`. */
  readonly repositories: string | ReadonlyMap<string, RepositorySource>;
  readonly owner?: string;
  /** Who may read what, for repositories of a directory. */
  readonly access?: ReadonlyMap<string, Pick<RepositorySource, "private" | "gated">>;
  /** From a token to the ids it was granted. Other tokens are refused. */
  readonly tokens?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Requests in a window, for each caller. @default no limits, and nothing said of any */
  readonly limits?: { readonly api?: number; readonly resolvers?: number; readonly windowSeconds?: number };
  /** Seconds for which the addresses of the storage are good. @default 3600 */
  readonly linkLifetimeSeconds?: number;
  /** Whether small files are answered by the relative redirect, as the real Hub does. @default true */
  readonly resolveCache?: boolean;
  /** Milliseconds before every answer. @default 0 */
  readonly latencyMs?: number;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  readonly storagePort?: number;
  /** Milliseconds since 1970, for windows and links. */
  readonly now?: () => number;
}

export type RequestKind = "api" | "resolve" | "resolveCache" | "storage" | "page";

interface FaultTarget {
  /** @default any */
  readonly on?: RequestKind;
  /** Part of the path, or a pattern for it. @default any */
  readonly path?: string | RegExp;
  /** How many requests meet it. @default 1 */
  readonly times?: number;
  /** How many it lets pass first. @default 0 */
  readonly skip?: number;
}

export type Fault = FaultTarget &
  (
    | { readonly kind: "reset"; readonly afterBytes?: number }
    | { readonly kind: "short"; readonly bytes?: number }
    | { readonly kind: "endless" }
    | { readonly kind: "drip"; readonly ms: number; readonly bytes?: number }
    | { readonly kind: "wrongRange"; readonly by?: number }
    | { readonly kind: "whole" }
    | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string | null>> }
    | {
        readonly kind: "status";
        readonly status: number;
        readonly headers?: Readonly<Record<string, string>>;
        readonly body?: unknown;
      }
    | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
    | { readonly kind: "delay"; readonly ms: number }
    // biome-ignore lint/suspicious/noExplicitAny: JSON of whatever shape
    | { readonly kind: "change"; readonly change: (json: any) => unknown }
  );

export interface RequestSeen {
  readonly kind: RequestKind;
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly authorized: boolean;
  readonly status: number;
  readonly bytes: number;
}

export interface Hub {
  /** Such as "http://127.0.0.1:8817": HF_ENDPOINT. */
  readonly endpoint: string;
  /** Where large files lie: another origin. */
  readonly storageOrigin: string;
  /** Requests so far; `limited` were answered with 429, `leakedTokens` showed a token to the storage. */
  readonly counters: Record<"api" | "resolve" | "resolveCache" | "storage" | "limited" | "bytes" | "leakedTokens", number>;
  /** The first 20,000 requests in the order they were answered. */
  readonly requests: readonly RequestSeen[];
  readonly faults: {
    /** `met` of what is returned counts the requests that have met it. */
    add(fault: Fault): { readonly met: number };
    clear(): void;
  };
  /** Adds a repository, or puts new content where it was. */
  publish(id: string, source: RepositorySource): void;
  /** No address of the storage that was given out so far is good any more. */
  expireLinks(): void;
  commitOf(id: string, revision?: string): Promise<string>;
  /** Hashes everything now, not when it is first asked for. */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

export function startHub(options: HubOptions): Promise<Hub>;
