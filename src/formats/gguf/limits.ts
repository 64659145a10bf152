/** Largest header. Vocabularies of a quarter of a million tokens with their merges take some 10 MB (CWE-770). */
export const MAX_HEADER_BYTES = 256 << 20;
/** As many as of safetensors. */
export const MAX_TENSORS = 1_048_576;
/** Entries of metadata; real files have some dozens. */
export const MAX_ENTRIES = 65_536;
/** Bytes of a key, by the specification, and of a tensor's name, which has 64 there. */
export const MAX_NAME_BYTES = 65_535;
/** What ggml has. */
export const MAX_DIMENSIONS = 4;
/** Arrays within arrays. */
export const MAX_DEPTH = 4;
/** Values that are kept for who asks: longer texts and arrays are passed over, and all together take no more than this. */
export const MAX_KEPT_TEXT = 65_536;
export const MAX_KEPT_ITEMS = 4096;
export const MAX_KEPT_BYTES = 16 << 20;
export const MAX_ALIGNMENT = 1 << 20;
/** Read at a time: a request brings a header in few pieces, and what is passed over in between is not read. */
export const CHUNK_BYTES = 4 << 20;
/** The first piece: small models, and files that are none, end in it. */
export const FIRST_CHUNK_BYTES = 256 << 10;
