import type { ComponentFinding } from "./finding.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import type { ComponentVerdict, Verdict } from "./result.ts";
import { rowsAgree } from "./row-agreement.ts";
import { isMain } from "./stack.ts";
import { stackGroups } from "./stack-groups.ts";

/**
 * What content found, told stack by stack: a pairing by content is of no stack, and those whose matrices do not agree are
 * not meant. The largest holds the tests and the slices, the others say that they were found together with it.
 */
export function stackFindings(finding: ComponentFinding): ComponentFinding[] {
  const { pairing, support, verdict } = finding;
  if (pairing.isChosen !== true || verdict.verdict === "no-evidence" || verdict.verdict === "not-testable") {
    return [finding];
  }
  const groups = stackGroups(support?.pairs ?? pairing.pairs);
  const [main, ...rest] = groups;
  if (main === undefined) return [finding];
  const named = (pairs: readonly MatrixPair[]): { component: string; suspectComponent: string } => ({
    component: pairs[0]!.base.component,
    suspectComponent: pairs[0]!.suspect.component,
  });
  const whole = named(main.pairs);
  const first: ComponentFinding = {
    ...finding,
    verdict: { ...verdict, ...whole },
    pairing: { ...pairing, ...whole },
    tested: { ...finding.tested, tests: finding.tested.tests.map((test) => ({ ...test, component: whole.component })) },
    stacks: groups.length,
  };
  return [
    first,
    ...rest.map((group) => ({
      ...first,
      verdict: {
        ...verdict,
        ...named(group.pairs),
        ...wordFor(
          group.pairs,
          isMain(group, groups),
          whole.component,
          pairing.isEqual === true ? verdict.verdict : null,
        ),
      },
      pairing: { ...pairing, ...named(group.pairs), pairs: group.pairs },
      tested: { ...finding.tested, tests: [] },
      slices: [],
      sharesTraining: pairing.isEqual === true && finding.sharesTraining,
    })),
  ];
}

/**
 * What is said of a stack beside the largest, whose p and learned retention are those of all together. Columns agree in what
 * reads the stream of a common trunk, and rows in what writes into it, a stranger's own heads and branches as well: a small
 * part is not told by that, and of a large one half of the matrices must agree row by row; that training is shared is not
 * said of it.
 *
 * @param equal what is said of matrices that are equal bit for bit, null where they are not
 */
function wordFor(
  pairs: readonly MatrixPair[],
  isLarge: boolean,
  beside: string,
  equal: Verdict | null,
): Pick<ComponentVerdict, "verdict" | "log10P" | "r" | "retention" | "learned" | "reason"> {
  const unmeasured = { log10P: null, r: null, retention: null, learned: null };
  const together = `paired by content together with ${beside}`;
  const isOwn = 2 * pairs.filter((pair) => rowsAgree(pair, true)).length >= pairs.length;
  if (isLarge && isOwn) return { ...unmeasured, verdict: equal ?? "shared-init", reason: together };
  const why = isLarge
    ? "its rows do not agree one by one"
    : equal !== null
      ? "equal bit for bit, and too small a part to speak for the model"
      : "too small a part to be told from what reads and writes its stream";
  return { ...unmeasured, verdict: "not-testable", reason: `${together}; ${why}` };
}
