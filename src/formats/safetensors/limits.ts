/** Longest header the reference reader takes; without a bound eight bytes could ask for 2^64 bytes of memory. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Tensors in one checkpoint. The largest known have about half a million; 100 MB of header could declare 2.5 million, a gigabyte
 * here.
 */
export const MAX_TENSORS = 1 << 20;

/**
 * Longest tensor name or other key, in bytes: names are kept, copied and printed (CWE-770). Below 16,384 characters, beyond
 * which V8 hashes a string by its length alone: a few thousand names of one length would take hours to look up (CWE-407).
 */
export const MAX_NAME_BYTES = 16_000;

/**
 * Longest string value, in bytes; training tools store a few megabytes of captions under one metadata key, and the manifest
 * of a fingerprint has 300 bytes a tensor: 28 MB for the 92,000 of DeepSeek-V3.
 */
export const MAX_STRING_BYTES = 64 << 20;

/** Metadata entries: 100 MB of header could hold fourteen million, each costing 100 bytes here. */
export const MAX_METADATA_ENTRIES = 65_536;

/** Dimensions of one tensor; no framework goes beyond 64. */
export const MAX_RANK = 64;

/** Unknown fields of one entry, which are remembered only to find duplicates. */
export const MAX_UNKNOWN_FIELDS = 64;

/** Nested values; the stack of a recursive consumer overflows at some thousands (CWE-674). */
export const MAX_DEPTH = 64;

/** Bytes of header held at once. */
export const HEADER_PIECE_BYTES = 1 << 20;

/** First read: enough for the whole header of most models, so that a remote file costs one request. */
export const FIRST_READ_BYTES = 65_536;
