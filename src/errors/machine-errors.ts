import type { ErrorEntry } from "./error-entry.ts";

/**
 * What the machine, or the one who started Node, does not allow: too little of something is incomplete work, and no fault of the
 * input.
 */
export const MACHINE_ERRORS = {
  TOO_MANY_OPEN_FILES: {
    kind: "passing",
    meaning: "the process, or the system, may open no more files",
    advice: "Allow the process more open files, such as 1024 of them (ulimit -n).",
  },
  OUT_OF_MEMORY: {
    kind: "passing",
    meaning: "the machine has, or allows, too little memory",
    advice: "Use fewer threads, end other programs, or take a machine with more memory.",
  },
  KERNEL_MEMORY: {
    kind: "passing",
    meaning: "the machine has, or allows, no room for the WebAssembly memory of the kernels",
    advice: "Allow the process more addresses (ulimit -v), or use fewer threads; weightmark doctor tells what works.",
  },
  NODE_RESTRICTED: {
    kind: "refused",
    meaning: "Node was started without what the work needs (--permission), or may start no more threads",
    advice: "Start Node without restrictions, and allow it threads.",
  },
} as const satisfies Record<string, ErrorEntry>;
