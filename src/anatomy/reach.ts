/** What a stored tensor connects where its two-dimensional view does not show it: convolutions and recurrent cells. */
export interface Reach {
  /** Channels that it reads, 0 for what is none of the network's. */
  readonly reads: number;
  readonly writes: number;
  /** Columns of the view: what the tensor reads, what it writes, its own state, or something given from outside. */
  readonly columns: "read" | "written" | "state" | "given";
  /** Columns are alike within runs of this many, where the tensor itself says so. */
  readonly run?: number;
}
