import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { type MatrixPair, rowPairs } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";
import { EMBEDDINGS } from "./result.ts";
import { buildStack, stackInner } from "./sign-stack.ts";

/** Tables indexed by tokens that are looked at: more than any model has. */
const MAX_TABLES = 64;
/** A table of fewer rows is of no tokens: stacked norms, types of segments. */
const MIN_TOKENS = 32;

/** Embeddings and heads by role, else (unnamed) by agreement. A tied head is the embedding again and adds nothing. */
export function tablePairing(suspect: Fingerprint, base: Fingerprint): Pairing {
  const pairs: MatrixPair[] = [];
  let log10Tried = 0;
  const used = new Set<MatrixSketch>();
  for (const b of tablesOf(base)) {
    const possible = tablesOf(suspect).filter((s) => s.cols === b.cols && !used.has(s));
    const named = possible.filter((s) => s.role === b.role && s.role !== "unknown");
    const found = named.length === 1 ? named[0] : closest(possible, b);
    if (!found) continue;
    used.add(found);
    if (named.length !== 1) log10Tried += Math.log10(possible.length);
    pairs.push({ suspect: found, base: b });
  }
  return { component: EMBEDDINGS, suspectComponent: EMBEDDINGS, pairs, layers: [], log10Tried };
}

/** Token tables, equal ones once, the largest where a file has too many. */
function tablesOf(fingerprint: Fingerprint): MatrixSketch[] {
  const tables = new Map<string, MatrixSketch>();
  for (const s of fingerprint.sketches) {
    if (s.tokens && s.rows >= MIN_TOKENS && !tables.has(s.digest.f32)) tables.set(s.digest.f32, s);
  }
  return [...tables.values()].sort((a, b) => b.rows * b.cols - a.rows * a.cols).slice(0, MAX_TABLES);
}

function closest(possible: readonly MatrixSketch[], base: MatrixSketch): MatrixSketch | undefined {
  const agreement = (s: MatrixSketch): number => {
    const rows = rowPairs({ suspect: s, base });
    return rows.length === 0 ? 0 : stackInner(buildStack(rows, base.cols)).agreement;
  };
  return possible.map((s) => ({ s, score: agreement(s) })).sort((x, y) => y.score - x.score)[0]?.s;
}
