import type { ScanItem } from "../../scan/item.ts";
import type { RunInfo } from "../envelope.ts";
import { toJson } from "../escape.ts";
import type { ScanSummaryReport } from "../schemas/index.ts";
import type { ScanPolicy } from "./policy.ts";

/** A finished scan, as exports see it. */
export interface ScanExport {
  readonly run: RunInfo;
  readonly summary: ScanSummaryReport;
  /** Every item once, by id, however often it is asked for: exports hold one item in memory, whatever their number. */
  readonly items: () => AsyncIterable<ScanItem>;
  readonly policies: readonly ScanPolicy[];
  /** Address of the Hub that `hf:` locations mean. */
  readonly endpoint: string;
  /** Directory that local results are told below of where they are held against a checkout; null to tell of none. */
  readonly root: string | null;
}

/** The elements of a JSON array, one a line, brackets included. */
export async function* jsonArray(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const value of values) {
    yield separator + toJson(value, 0);
    separator = ",\n";
  }
  yield separator === "[\n" ? "[]" : "\n]";
}

/** Bytes for a file: text in pieces of some 64 kB, so that 100,000 items are not as many writes. */
export async function* encodePieces(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let waiting = "";
  for await (const piece of pieces) {
    waiting += piece;
    if (waiting.length < 65_536) continue;
    yield Buffer.from(waiting);
    waiting = "";
  }
  yield Buffer.from(waiting);
}
