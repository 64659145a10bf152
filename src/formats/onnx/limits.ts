/** Bytes of the file that are held at a time, and those of the first read. */
export const WINDOW_BYTES = 1 << 20;
export const FIRST_WINDOW_BYTES = 1 << 16;

/** Fields of the whole file: each costs time, and two bytes are one (CWE-770). */
export const MAX_FIELDS = 1 << 26;

/** Initialisers and constants, nodes, and inputs and outputs of all nodes; the largest known models have some ten thousand. */
export const MAX_TENSORS = 1 << 20;
export const MAX_NODES = 1 << 20;
export const MAX_EDGES = 1 << 23;

/** Bytes of all names that are kept. */
export const MAX_TEXT_BYTES = 128 << 20;

/** Graphs within graphs: of loops and branches within one another (CWE-674). */
export const MAX_DEPTH = 16;

/** Numbers of one attribute: none that matters here has more than a tensor has axes. */
export const MAX_ATTRIBUTE_NUMBERS = 64;

/** Bytes of tensors that are written number by number: they are kept in memory, and programs write small ones so. */
export const MAX_EXPANDED_BYTES = 256 << 20;

/** How often all bytes of a model may be given out as tensors: layers that share their weights are stored once. */
export const MAX_REPEATS = 64;
/** What small files may give out on top. */
export const SLACK_BYTES = 1 << 20;

/** Files that tensors lie in beside the model: some programs wrote one for each tensor. */
export const MAX_FILES = 4096;
