import { describe, expect, it } from "vitest";
import { chanceText } from "../../../../src/report/html/chance.ts";
import { html } from "../../../../src/report/html/markup.ts";
import { heatMap } from "../../../../src/report/html/pictures/heat-map.ts";
import { fixedPointLaw, NORMAL, nullCurve } from "../../../../src/report/html/pictures/null-curve.ts";
import { ticks } from "../../../../src/report/html/pictures/picture.ts";
import { shares } from "../../../../src/report/html/pictures/shares.ts";
import { spectrum } from "../../../../src/report/html/pictures/spectrum.ts";

/** P(K = i) of k chosen labels among n, by counting all renumberings. */
function counted(k: number, n: number): number[] {
  const law = Array.from({ length: k + 1 }, () => 0);
  let all = 0;
  const place = (rest: number[], at: number, fixed: number): void => {
    if (at === n) {
      law[fixed]! += 1;
      all += 1;
      return;
    }
    rest.forEach((label, i) => {
      place(rest.toSpliced(i, 1), at + 1, fixed + (at < k && label === at ? 1 : 0));
    });
  };
  place(
    Array.from({ length: n }, (_, i) => i),
    0,
    0,
  );
  return law.map((count) => count / all);
}

describe("the law of fixed points", () => {
  it.each([
    [1, 4],
    [3, 5],
    [6, 6],
    [2, 6],
  ])("of %i labels among %i is what counting gives", (k, n) => {
    const law = fixedPointLaw(k, n);
    for (const [i, p] of counted(k, n).entries()) expect(law[i] ?? 0).toBeCloseTo(p, 9);
  });

  it("is a law for as many labels as a test takes", () => {
    for (const [k, n] of [
      [512, 512],
      [71, 128],
      [1, 512],
    ] as const) {
      const law = fixedPointLaw(k, n);
      expect(law.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
      expect(law.reduce((sum, p, i) => sum + i * p, 0)).toBeCloseTo(k / n, 4);
    }
  });
});

describe("pictures", () => {
  it("place what was found by its value", () => {
    const drawn = (observed: number) =>
      Number(
        /class="mark" d="M([\d.]+)/.exec(
          String(nullCurve({ title: "t", axis: "z", curve: NORMAL, observed, caption: "c" })),
        )![1],
      );
    expect(drawn(0)).toBeCloseTo(165, 0);
    expect(drawn(2)).toBeGreaterThan(drawn(1));
    expect(drawn(-2)).toBeLessThan(drawn(-1));
    expect(nullCurve({ title: "t", axis: "z", curve: NORMAL, observed: 1e300, caption: "c" })).toBeNull();
  });

  it("are darker for more, and are left out where nobody could see their cells", () => {
    const map = (value: number, side: number) =>
      String(
        heatMap({
          title: "t",
          words: "w",
          caption: "c",
          rows: Array.from({ length: side }, String),
          columns: ["a"],
          rowAxis: "r",
          columnAxis: "c",
          cells: [{ row: 0, column: 0, value }],
          scale: ["0", "1"],
        }) ?? "",
      );
    expect([-1, 0, 0.5, 1, 7].map((value) => /<path class="h(\d)"/.exec(map(value, 1))![1])).toEqual([
      "0",
      "0",
      "3",
      "5",
      "5",
    ]);
    expect(map(1, 1000)).toBe("");
  });

  it("have round numbers on their axes", () => {
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(-5.2, 13.9)).toEqual([-5, 0, 5, 10]);
    expect(ticks(3, 3)).toEqual([]);
  });
});

describe("a chance in words", () => {
  it.each([
    [0, "a matter of course"],
    [-0.3, "about one in 2"],
    [Math.log10(0.05), "about one in 20"],
    [-9, "at most one in 10^9 (a thousand million)"],
    [-742.9, "at most one in 10^742 (1 followed by 742 zeros)"],
  ])("of log10 %d is %s, and never smaller than it is", (log10P, words) => {
    expect(chanceText(log10P)).toBe(words);
  });
});

describe("markup", () => {
  it("holds as text whatever is put in, and as markup only markup", () => {
    expect(String(html`<p title="${`"'<>&\``}">${["<b>", null, 3, html`<i>x</i>`]}</p>`)).toBe(
      '<p title="&quot;&#39;&lt;&gt;&amp;&#96;">&lt;b&gt;3<i>x</i></p>',
    );
    expect(String(html`${"a\u202eb"}`)).toBe("a\\u{202e}b");
    expect(String(html`${"x".repeat(9999)}`).length).toBe(2000);
    // An object that says it is markup is none.
    expect(() => String(html`${{ toString: () => "<b>" } as never}`)).toThrow(TypeError);
  });
});

describe("shares and spectra", () => {
  it("draw a bar as long as its share, and none beyond the whole", () => {
    const drawn = (value: number) => String(shares("t", [{ name: "n", value, text: "x" }], "c"));
    expect(drawn(0.5)).toContain('class="dot" d="M8 24h157v9h-157z"');
    expect(drawn(0)).not.toContain('class="dot"');
    for (const value of [-0.1, 1.1, Number.NaN]) expect(drawn(value)).toBe("null");
  });

  it("draw what stands out above the line and the rest below it", () => {
    const drawn = String(spectrum("t", "w", "c", [[100, 10, 0.5, null]]));
    const heights = [...drawn.matchAll(/<circle class="dot" cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    const line = Number(/class="grid" d="M40 ([\d.]+)H/.exec(drawn)![1]);
    expect(heights).toHaveLength(3);
    expect(heights.map((y) => y < line)).toEqual([true, true, false]);
  });

  it("are drawn of as many values as can be seen, and of nothing that cannot be drawn", () => {
    const many = Array.from({ length: 500 }, () => Array.from({ length: 500 }, () => 2));
    expect(String(spectrum("t", "w", "c", many)).match(/<circle/g)).toHaveLength(64 * 72);
    for (const values of [[], [null], [0], [-1], [1e300], [Number.NaN]])
      expect(spectrum("t", "w", "c", [values])).toBeNull();
  });
});
