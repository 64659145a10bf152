/**
 * What embedding does to stored tensors: plain data, so that it can be sent to worker threads. Applied to every view in
 * this order: signs, then the spread mark or the low-rank addition. Bytes outside of all views are copied.
 */
export interface TensorEdit {
  readonly tensor: string;
  readonly views: readonly ViewEdit[];
  /** Signs of the elements of a one-dimensional tensor (a bias); null when it has none. */
  readonly vectorSigns: Int8Array | null;
}

/** A canonical matrix inside a stored tensor: element (i, j) is stored element rowOffsets[i] + j * colStride. */
export interface ViewEdit {
  /** The address that keystreams are derived from, `addressOf` of the matrix. */
  readonly address: string;
  readonly rowOffsets: Float64Array;
  readonly colStride: number;
  readonly cols: number;
  /** +1 or -1 for every row; null when none is flipped. */
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
  readonly spread: SpreadEdit | null;
  readonly lowRank: LowRankEdit | null;
  /** Derivative mode alone; absent elsewhere. Rounded once, by `ditherAdd` on what `differenceRows` returns. */
  readonly difference?: DifferenceEdit;
}

/** Layer 1 on one matrix: what is added to a weight is amplitude[chip(block)] * rowScale * columnScale * coin. */
export interface SpreadEdit {
  /** Keystream key of the coins and of the map from blocks to chips; of the dither. Never logged. */
  readonly coinKey: Uint8Array;
  readonly mapKey: Uint8Array;
  readonly ditherKey: Uint8Array;
  readonly chips: number;
  /** What every weight of the chip moves by, in units of the Sinkhorn form (about sigma). Length `chips`. */
  readonly amplitudes: Float64Array;
  /** Scale of every column, cols long: the weight over it has unit RMS in every column after the row is normalised. */
  readonly columnScales: Float32Array;
}

/** Row i gets sum_k coefficients[i * rank + k] * directions[k]; rows whose coefficients are all zero are not touched. */
export interface LowRankEdit {
  readonly rank: number;
  /** rows x rank. */
  readonly coefficients: Float32Array;
  /** rank x cols. */
  readonly directions: Float32Array;
  readonly ditherKey: Uint8Array;
}

/**
 * The mark in a difference to a base on one matrix: weight (i, j) gets amplitudes[chip(block)] * coin, full rank, and
 * row i of the low-rank part beside it (the sum is rounded once, under the low-rank part's dither key).
 */
export interface DifferenceEdit {
  /** Keystream key of the coins and of the map from blocks to chips. Never logged. */
  readonly coinKey: Uint8Array;
  readonly mapKey: Uint8Array;
  readonly chips: number;
  /** In units of the weights. Length `chips`. */
  readonly amplitudes: Float64Array;
  readonly shaped: LowRankEdit;
}
