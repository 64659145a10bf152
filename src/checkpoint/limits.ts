/** Largest shard index; real ones reach 60 MB. Only its map is kept, but a limit bounds the time as well. */
export const MAX_INDEX_BYTES = 256 << 20;

/** Shards of one model, each an open file descriptor; the largest published models have some hundreds. */
export const MAX_SHARDS = 4096;

/** Directory entries looked at: a directory made to exhaust memory must not (CWE-770). */
export const MAX_DIRECTORY_ENTRIES = 100_000;

/** Largest config.json that is parsed; real ones have a few kilobytes, vocabularies inside some a megabyte. */
export const MAX_CONFIG_BYTES = 16 << 20;

/** Pages of one listing: a million models of 500 a page, a third of all there are (CWE-835). */
export const MAX_HUB_PAGES = 2_000;
