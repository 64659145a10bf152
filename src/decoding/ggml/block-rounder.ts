/**
 * Values that whole blocks of finite numbers have after they were quantised and decoded again, to the bit as ggml does both
 * without an importance matrix.
 */
export type BlockRounder = (values: Float32Array, out: Float32Array) => void;
