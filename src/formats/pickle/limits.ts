/** Bytes of one pickle, which is held as a whole: as many as the header of a safetensors file may have. */
export const MAX_PICKLE_BYTES = 100_000_000;

/** Values that a pickle may make or remember. A tensor takes some 25: the longest shards known have a few thousand (CWE-770). */
export const MAX_VALUES = 1 << 22;

/** Values that wait on the stack, or are remembered, at a time. Picklers give their lists out by the thousand. */
export const MAX_STACK = 1 << 20;

/** Longest text or bytes, in bytes: options of training, sources of modules, states of generators of random numbers. */
export const MAX_TEXT_BYTES = 64 << 20;

/** Longest name of a class or function, and bytes of the largest whole number. */
export const MAX_NAME_BYTES = 1_000;
export const MAX_LONG_BYTES = 1_024;

/** Names of classes and functions that a pickle may call by. */
export const MAX_GLOBALS = 65_536;
