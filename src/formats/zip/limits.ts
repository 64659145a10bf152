/** Members of one archive: a shard of a model has thousands. Each costs a read of its header, and some hundred bytes here. */
export const MAX_MEMBERS = 1 << 18;

/** Bytes of the list of members, which is held as a whole; with the longest usual names a quarter of a million fit. */
export const MAX_DIRECTORY_BYTES = 64 << 20;
