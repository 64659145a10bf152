import { describe, expect, test } from "vitest";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import {
  decisiveFinding,
  isEqualVerdict,
  isRelated,
  isRelatedVerdict,
  isSameTable,
} from "../../../src/lineage/related.ts";
import { EMBEDDINGS, type Verdict } from "../../../src/lineage/result.ts";

interface Given {
  readonly component?: string;
  readonly log10P?: number | null;
  readonly sharesTraining?: boolean;
  readonly isMinor?: boolean;
  readonly isEqual?: boolean;
}

const found = (verdict: Verdict, given: Given = {}) => {
  const { component = "model.layers", log10P = -100, sharesTraining = false, isMinor = false, isEqual } = given;
  return { verdict: { verdict, log10P }, pairing: { component, isEqual }, sharesTraining, isMinor } as ComponentFinding;
};

const VERDICTS: readonly Verdict[] = ["identical", "recast", "derived", "shared-init", "no-evidence", "not-testable"];

test("values are equal where they are identical or recast, and shared where anything was found", () => {
  expect(VERDICTS.filter(isEqualVerdict)).toEqual(["identical", "recast"]);
  expect(VERDICTS.filter(isRelatedVerdict)).toEqual(["identical", "recast", "derived", "shared-init"]);
});

test("a table is the same where its values are, no matter what the body says", () => {
  const tables = VERDICTS.filter((verdict) => isSameTable(found(verdict, { component: EMBEDDINGS })));
  expect(tables).toEqual(["identical", "recast"]);
  expect(VERDICTS.filter((verdict) => isSameTable(found(verdict)))).toEqual([]);
});

describe("a body is related", () => {
  const related = (given: Given) => VERDICTS.filter((verdict) => isRelated(found(verdict, given)));

  test("where anything was found, and no table is a body", () => {
    expect(related({})).toEqual(["identical", "recast", "derived", "shared-init"]);
    expect(related({ component: EMBEDDINGS, sharesTraining: true })).toEqual([]);
  });

  test("unless all that is shared is equality of a small part, without a trace of training", () => {
    expect(related({ isMinor: true })).toEqual(["derived", "shared-init"]);
    expect(related({ isMinor: true, isEqual: true })).toEqual([]);
    expect(related({ isMinor: true, isEqual: true, sharesTraining: true })).toHaveLength(4);
    expect(related({ isEqual: true })).toHaveLength(4);
  });
});

describe("the finding that a verdict rests on", () => {
  const training = found("derived", { sharesTraining: true, log10P: -30 });
  const shared = found("shared-init", { log10P: -300 });
  const table = found("identical", { component: EMBEDDINGS, log10P: -700 });
  const silent = found("no-evidence", { log10P: -2 });

  test("is shared training before anything shared, and that before a table, in any order", () => {
    expect(decisiveFinding([silent, table, shared, training])).toBe(training);
    expect(decisiveFinding([training, shared, table, silent])).toBe(training);
    expect(decisiveFinding([table, shared])).toBe(shared);
    expect(decisiveFinding([shared, table])).toBe(shared);
    expect(decisiveFinding([silent, table])).toBe(table);
  });

  test("is none where nothing is shared", () => {
    expect(decisiveFinding([])).toBeNull();
    expect(decisiveFinding([silent, found("not-testable", { log10P: null })])).toBeNull();
    expect(decisiveFinding([found("derived", { component: EMBEDDINGS })])).toBeNull();
  });

  test("has the smaller p among equals, one with a p before one without, else comes first", () => {
    const stronger = found("shared-init", { log10P: -400 });
    const without = found("shared-init", { log10P: null });
    expect(decisiveFinding([shared, stronger])).toBe(stronger);
    expect(decisiveFinding([stronger, shared])).toBe(stronger);
    expect(decisiveFinding([without, shared])).toBe(shared);
    expect(decisiveFinding([shared, without])).toBe(shared);
    const twin = found("shared-init", { log10P: -300 });
    expect(decisiveFinding([shared, twin])).toBe(shared);
  });
});
