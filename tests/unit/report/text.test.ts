import { describe, expect, it } from "vitest";
import type { CompareResult, Direction, LearnedRetention, Verdict } from "../../../src/lineage/result.ts";
import { claimOf, type Facts, summarise } from "../../../src/lineage/wording.ts";
import { compareReport, type RunInfo } from "../../../src/report/build.ts";
import { formatBytes, formatDuration, formatNumber, formatParameters } from "../../../src/report/numbers.ts";
import type { CompareReport } from "../../../src/report/schemas/index.ts";
import { layerBands } from "../../../src/report/text/layer-bands.ts";
import { renderText } from "../../../src/report/text/render-text.ts";
import { requireValid } from "../../support/schemas.ts";

const run: RunInfo = { version: "1.2.3", startedAt: null, finishedAt: null };
const root = "ab".repeat(32);
const input = (location: string): CompareReport["inputs"]["suspect"] => ({
  location,
  kind: "model",
  revision: null,
  manifestRoot: root,
  sampledRoot: root,
  contentRoot: null,
  depth: "sampled",
  family: "llama",
  parameters: "6738415616",
  bytesRead: "15000000",
  bytesTotal: "13476839424",
});

const WHOLE: Facts = {
  part: null,
  everywhere: false,
  image: null,
  tableOnly: false,
  partly: null,
  share: null,
  back: { part: null, share: null },
  equal: null,
};
const LEARNED: LearnedRetention = { share: 1, error: 0.01, bulk: 1, spread: 0.02, directions: 8, slices: 12 };

function resultOf(verdict: Verdict, direction: Direction, change: Partial<CompareResult> = {}): CompareResult {
  return {
    verdict,
    summary: summarise(verdict, direction, { suspect: "S", base: "B" }, WHOLE),
    claim: claimOf(verdict, direction, "B", WHOLE),
    direction,
    relations: verdict === "derived" ? ["lora"] : [],
    parents: [],
    log10P: verdict === "derived" ? -1234.6 : -0.1,
    threshold: -9,
    log10Tried: Math.log10(12),
    components: [
      {
        component: "model.layers",
        suspectComponent: "layers",
        verdict,
        log10P: -0.1,
        r: 0,
        retention: 1,
        learned: { baseInSuspect: LEARNED, suspectInBase: LEARNED },
        reason: null,
      },
    ],
    tests: [
      {
        name: "T1",
        component: "model.layers",
        axis: "residual",
        z: 1.25,
        log10P: -0.7,
        exact: false,
        n: 192,
        m: 40,
        r: 0.01,
        monteCarloP: 0.21,
        assumptions: ["labels carry no order"],
      },
      {
        name: "T2",
        component: "model.layers",
        axis: "residual",
        z: null,
        log10P: 0,
        exact: true,
        n: 192,
        m: 10,
        fixedPoints: 1,
        assumptions: ["labels carry no order"],
      },
    ],
    layers: [],
    difference: { scale: 1, reverseScale: 1, drift: 0.1, frozenTensors: 0, comparedTensors: 12, loraRank: 8 },
    caveats: ["a limit"],
    ...change,
  };
}

const textOf = (result: CompareResult, colour = false) =>
  renderText(compareReport(run, { suspect: input("/m/s"), base: input("/m/b") }, result), { colour });

const ACCUSING = /deriv|copied|copies|stole|steal|theft|plagiar|fine-tun|parent|lora|offspring|guilty|infring/i;

describe("the text of a comparison", () => {
  it("puts the verdict first, then why, then limits", () => {
    const text = textOf(resultOf("derived", "suspect-from-base"));
    expect(text).toMatch(/^derived: S derives from B\.\n/);
    const order = ["\nWhy\n", "\nAssumes\n", "\nLimits\n", "\nInputs\n"].map((heading) => text.indexOf(heading));
    expect(order.every((at, i) => at > (order[i - 1] ?? 0))).toBe(true);
    expect(text).toContain("p = 2.5e-1235, corrected for 12 hypotheses tried; a claim needs 1e-9 or less");
    expect(text).toContain("kind of change: lora; rank 8; drift 0.10; scale 1.00; 0 of 12 matrices equal where read");
    expect(text.match(/labels carry no order/g)).toHaveLength(1);
    expect(text).toContain("15.0 MB of 13.5 GB read");
  });

  it("counts hypotheses in groups of three digits, and many of them by their power of ten", () => {
    const tried = (log10Tried: number) =>
      /corrected for (\S+) hypotheses/.exec(textOf(resultOf("derived", "not-established", { log10Tried })))![1];
    for (const count of [1, 12, 999, 1000, 12_345, 987_654, 999_999.7]) {
      expect(tried(Math.log10(count))).toBe(Math.round(count).toLocaleString("en-US"));
    }
    expect(tried(6)).toBe("10^6.0");
    expect(tried(42.26)).toBe("10^42.3");
  });

  it("says asymptotic of a normal approximation, and quotes the relabelling beside it", () => {
    const text = textOf(resultOf("no-evidence", "not-established"));
    expect(text).toContain("p = 0.20 (asymptotic; 0.21 by random relabelling)");
    expect(text).toContain("1 of 192 labels in place");
    expect(text).toMatch(/in place +p = 1\.0 \(exact\)/);
  });

  it.each(["no-evidence", "not-testable"] as const)("accuses nobody when the verdict is %s", (verdict) => {
    expect(textOf(resultOf(verdict, "not-established"))).not.toMatch(ACCUSING);
  });

  it("claims no direction that is not established", () => {
    const text = textOf(resultOf("derived", "not-established"));
    expect(text).toMatch(/^derived: S shares trained weights with B, direction not established\.\n/);
    expect(text).not.toMatch(/derives from|parent/);
    expect(textOf(resultOf("derived", "base-from-suspect"))).toMatch(/^derived: B derives from S\./);
  });

  it("escapes every string it was given", () => {
    const evil = "\u001b[31m\r\u202e";
    const base = resultOf("derived", "suspect-from-base");
    const text = renderText(
      compareReport(
        run,
        { suspect: { ...input(`/m/${evil}`), family: evil }, base: input(evil) },
        {
          ...base,
          summary: evil,
          caveats: [evil],
          relations: [evil as never],
          components: [0, 1].map(() => ({ ...base.components[0]!, component: evil, reason: evil })),
          tests: base.tests.map((test) => ({ ...test, component: evil, assumptions: [evil] })),
          difference: { ...base.difference, quantization: evil },
        },
      ),
      { colour: false },
    );
    for (const char of ["\u001b", "\r", "\u202e"]) expect(text).not.toContain(char);
    expect(text.split("\\u{1b}").length).toBeGreaterThan(10);
  });

  it("colours only when asked to", () => {
    expect(textOf(resultOf("derived", "siblings"), true)).toContain("\u001b[");
    expect(textOf(resultOf("derived", "siblings"))).not.toContain("\u001b");
  });
});

describe("the JSON of a comparison", () => {
  it("fits its schema, and turns what JSON cannot hold into null with a note", () => {
    const inputs = { suspect: input("s"), base: input("b") };
    const plain = compareReport(run, inputs, resultOf("derived", "siblings"));
    expect(requireValid("compare@1", JSON.parse(JSON.stringify(plain)))).not.toHaveProperty("nonFinite");
    const infinite = compareReport(run, inputs, resultOf("derived", "siblings", { log10P: Number.NEGATIVE_INFINITY }));
    expect(infinite).toMatchObject({ log10P: null, nonFinite: [{ path: "/log10P", value: "-Infinity" }] });
    requireValid("compare@1", JSON.parse(JSON.stringify(infinite)));
  });

  it("has times unless the run is deterministic", () => {
    const timed = { ...run, startedAt: "2026-01-02T03:04:05.000Z", finishedAt: "2026-01-02T03:04:06.000Z" };
    const report = compareReport(timed, { suspect: input("s"), base: input("b") }, resultOf("derived", "siblings"));
    expect(requireValid("compare@1", JSON.parse(JSON.stringify(report)))).toMatchObject({ startedAt: timed.startedAt });
  });
});

describe("layerBands", () => {
  const layer = (suspect: number, base: number | null, log10P: number | null = -50) => ({
    component: "language",
    suspect,
    base,
    log10P,
  });

  it("joins runs, and keeps jumps, repeats and gaps apart", () => {
    const upscaled = [0, 1, 2, 3].map((i) => layer(i, i)).concat([4, 5, 6].map((i) => layer(i, i - 2)));
    expect(layerBands(upscaled)).toBe("0-3 as 0-3, 4-6 as 2-4");
    expect(layerBands([layer(0, 0), layer(1, null), layer(2, 5), layer(3, 6, -2), layer(4, 7)])).toBe(
      "0 as 0, 2 as 5, 4 as 7",
    );
    expect(layerBands([layer(0, null), layer(1, 1, null)])).toBe("");
  });
});

describe("numbers for people", () => {
  it("are short", () => {
    expect([0, 999, 1000, 999_600, 13_476_839_424].map(formatBytes)).toEqual([
      "0 bytes",
      "999 bytes",
      "1.00 kB",
      "1.00 MB",
      "13.5 GB",
    ]);
    expect([0, 1, 870_000, 6_738_415_616].map(formatParameters)).toEqual([
      "0 parameters",
      "1 parameter",
      "870 k parameters",
      "6.74 B parameters",
    ]);
    expect([0.256, -0.001, -2.345, 12.34, 1234.5, null, Number.NaN].map(formatNumber)).toEqual([
      "0.26",
      "0.00",
      "-2.35",
      "12.3",
      "1235",
      "-",
      "-",
    ]);
    expect([0.2, 59.4, 61, 3725].map(formatDuration)).toEqual(["0 s", "59 s", "1 min 1 s", "1 h 2 min"]);
  });
});
