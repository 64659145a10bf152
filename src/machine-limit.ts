import { type ErrorCode, WeightmarkError } from "./errors.ts";

/** How Node begins the message of an error of the system; the code itself is lost on the way between threads. */
const SYSTEM_CODE = /^(?:Worker initialization failure: )?(E[A-Z0-9]+)\b/;

function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  // Node 24 says of the settings of a module that it cannot read them, and no code.
  if (/^Cannot read package config .*: too many open files\b/i.test(error.message)) return "EMFILE";
  const inMessage = SYSTEM_CODE.exec(error.message)?.[1];
  // Why a thread cannot be started says more than that it cannot.
  if (inMessage !== undefined && HANDLES.has(inMessage)) return inMessage;
  return typeof code === "string" ? code : (inMessage ?? "");
}

const HANDLES = new Set(["EMFILE", "ENFILE"]);

/** What Node's permission model calls a kind of access, and the flag that grants it. */
const GRANTS = new Map([
  ["WorkerThreads", "--allow-worker"],
  ["FileSystemRead", "--allow-fs-read"],
  ["FileSystemWrite", "--allow-fs-write"],
  ["Net", "--allow-net"],
]);

function notGranted(error: Error, file: string | undefined): WeightmarkError {
  const { permission } = error as { permission?: unknown };
  const kind = typeof permission === "string" ? ` (${permission})` : "";
  const grant = GRANTS.get(String(permission));
  const also = grant === undefined ? "" : `, or with ${grant} as well`;
  return new WeightmarkError("NODE_RESTRICTED", `Node's permission model does not allow this${kind}`, {
    file,
    detail: `Run Node without --permission${also}.`,
    cause: error,
  });
}

const MEMORY = /Array buffer allocation failed|\bheap out of memory\b|reaching memory limit/;
const MEMORY_CODES = new Set(["ENOMEM", "ERR_MEMORY_ALLOCATION_FAILED", "ERR_WORKER_OUT_OF_MEMORY"]);
const KERNEL_MEMORY = /^WebAssembly\.\w+\(\): (?:Out of memory|could not allocate memory)/;

/**
 * An error by which the machine, or the one who started Node, does not allow what the work needs: too few file handles or too
 * little memory, no WebAssembly, no threads. Neither the input is at fault then nor the program. Null for any other error.
 *
 * @param file what was to be opened or written, if anything was
 */
export function machineLimit(error: unknown, file?: string): WeightmarkError | null {
  if (error instanceof WeightmarkError || !(error instanceof Error)) return null;
  const code = codeOf(error);
  const limit = (named: ErrorCode, message: string, detail?: string) =>
    new WeightmarkError(named, message, { file, detail, cause: error });
  if (code === "EMFILE") return limit("TOO_MANY_OPEN_FILES", "the process may open no more files (EMFILE)");
  if (code === "ENFILE") {
    const detail = "End other programs, or have the limit of the whole system raised.";
    return limit("TOO_MANY_OPEN_FILES", "the system can open no more files (ENFILE)", detail);
  }
  // Up to Node 22 each thread reserves 10 GB of addresses, for its bounds checks.
  if (KERNEL_MEMORY.test(error.message)) {
    const detail =
      "Raise `ulimit -v`, set NODE_OPTIONS=--disable-wasm-trap-handler, which takes less, or do without `threads` (0); weightmark doctor tells whether it is enough.";
    return limit("KERNEL_MEMORY", "there is no room for the WebAssembly memory of the kernels", detail);
  }
  if (MEMORY_CODES.has(code) || MEMORY.test(error.message)) {
    const detail = "Use fewer `threads`, end other programs, or take a machine with more memory.";
    return limit("OUT_OF_MEMORY", "there is too little memory", detail);
  }
  if (code === "ERR_ACCESS_DENIED") return notGranted(error, file);
  if (code === "ERR_WORKER_INIT_FAILED") {
    const detail = "Use fewer `threads`, or raise `ulimit -u` (in a container its limit of processes).";
    return limit("NODE_RESTRICTED", "the system starts no further thread", detail);
  }
  // Of us and of what we depend on: HTTP replies are parsed by WebAssembly as well.
  if ((globalThis as { WebAssembly?: unknown }).WebAssembly === undefined && /WebAssembly/.test(error.message)) {
    return limit("ENGINE_UNAVAILABLE", "this Node runs no WebAssembly", "Start Node without --jitless.");
  }
  return null;
}
