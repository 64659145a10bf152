/** One stored matrix as an edge between widths. */
export interface Flow {
  readonly tensor: string;
  readonly stack: string;
  /** Its path but for the last segment: modules that one container holds. */
  readonly group: string;
  /** Number of the layer, whose outputs are added to a stream; -1 outside of layers. */
  readonly layer: number;
  /** Place in the natural order of names. */
  readonly order: number;
  /** 0 for tables and patch kernels: they read indices and pixels. */
  readonly reads: number;
  readonly writes: number;
  readonly kernel?: boolean;
  /** A convolution in groups, whose columns are those of one group. */
  readonly grouped?: boolean;
}
