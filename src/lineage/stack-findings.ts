import type { ComponentFinding } from "./finding.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import type { ComponentVerdict, Verdict } from "./result.ts";
import { rowsAgree } from "./row-agreement.ts";
import { isMain } from "./stack.ts";

/**
 * What content found, told stack by stack: a pairing by content is of no stack, and those whose matrices do not agree are
 * not meant. The largest holds the tests and the slices, the others say that they were found together with it.
 */
export function stackFindings(finding: ComponentFinding): ComponentFinding[] {
  const { pairing, support, verdict } = finding;
  if (pairing.isChosen !== true || verdict.verdict === "no-evidence" || verdict.verdict === "not-testable") {
    return [finding];
  }
  const groups = new Map<string, MatrixPair[]>();
  for (const pair of support?.pairs ?? pairing.pairs) {
    const list = groups.get(pair.base.component);
    if (list) list.push(pair);
    else groups.set(pair.base.component, [pair]);
  }
  const size = (pairs: readonly MatrixPair[]): number => pairs.reduce((sum, { base: b }) => sum + b.rows * b.cols, 0);
  const [main, ...rest] = [...groups.values()].sort(
    (a, b) => size(b) - size(a) || (a[0]!.base.component < b[0]!.base.component ? -1 : 1),
  );
  if (main === undefined) return [finding];
  const named = (pairs: readonly MatrixPair[]): { component: string; suspectComponent: string } => ({
    component: pairs[0]!.base.component,
    suspectComponent: pairs[0]!.suspect.component,
  });
  const whole = named(main);
  const sizes = [...groups.values()].map((pairs) => ({ parameters: size(pairs) }));
  const isLarge = (pairs: readonly MatrixPair[]): boolean => isMain({ parameters: size(pairs) }, sizes);
  const first: ComponentFinding = {
    ...finding,
    verdict: { ...verdict, ...whole },
    pairing: { ...pairing, ...whole },
    tested: { ...finding.tested, tests: finding.tested.tests.map((test) => ({ ...test, component: whole.component })) },
    stacks: groups.size,
  };
  return [
    first,
    ...rest.map((pairs) => ({
      ...first,
      verdict: { ...verdict, ...named(pairs), ...wordFor(pairs, isLarge(pairs), whole.component, verdict.verdict) },
      pairing: { ...pairing, ...named(pairs), pairs },
      tested: { ...finding.tested, tests: [] },
      slices: [],
    })),
  ];
}

/**
 * What is said of a stack beside the largest, whose p is that of all together. Columns agree in whatever reads the stream of a
 * common trunk, and rows in what writes into it, a stranger's own heads and branches as well: a small part is not told by
 * that, and of a large one half of the matrices must agree row by row.
 */
function wordFor(
  pairs: readonly MatrixPair[],
  isLarge: boolean,
  beside: string,
  verdict: Verdict,
): Pick<ComponentVerdict, "verdict" | "log10P" | "r" | "reason"> {
  const together = `paired by content together with ${beside}`;
  const isOwn = 2 * pairs.filter((pair) => rowsAgree(pair, true)).length >= pairs.length;
  if (isLarge && isOwn) return { verdict, log10P: null, r: null, reason: together };
  const why = isLarge
    ? "its rows do not agree one by one"
    : "too small a part to be told from what reads and writes its stream";
  return { verdict: "not-testable", log10P: null, r: null, reason: `${together}; ${why}` };
}
