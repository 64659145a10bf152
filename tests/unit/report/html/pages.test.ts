import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { htmlPieces, renderHtml } from "../../../../src/report/html/render-html.ts";
import { readResults } from "../../../../src/report/read-results.ts";
import type { CompareReport, Report } from "../../../../src/report/schemas/index.ts";
import { HOSTILE_NAMES } from "../../../support/arbitrary-report.ts";
import { comparePageReport, scanPageItem, scanPageSummary, verifyPageReport } from "../../../support/page-reports.ts";
import { readPage } from "../../../support/strict-html.ts";

const textOf = async (report: Report) => readPage(await renderHtml(report)).text.replaceAll(/\s+/g, " ");
const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

async function pageOf(value: unknown): Promise<string> {
  let page = "";
  for await (const piece of htmlPieces(readResults("r.json", bytesOf(value)))) page += piece;
  return page;
}

/** A scan of `count` models, as its document. */
const scanOf = (count: number) => ({
  summary: scanPageSummary({ listed: count }),
  items: Array.from({ length: count }, (_, i) => scanPageItem(`m${i}`)),
});

const ACCUSING = /deriv|copied|copies|stole|steal|theft|plagiar|fine-tun|parent|lora|offspring|infring/i;

describe("the page of a comparison", () => {
  it("says the verdict first, then the evidence, the limits, the inputs and how to do it again", async () => {
    const text = await textOf(comparePageReport());
    const order = [
      "s derives from b.",
      "at most one in 10^742",
      "Parts of the model",
      "What the tests found",
      "Layer by layer",
      "How the suspect differs",
      "a limit of this result",
      "Method and limits",
      "What was examined",
      "weightmark compare --depth sampled models/s models/b",
    ].map((words) => text.indexOf(words));
    expect(order.every((place, i) => place > (order[i - 1] ?? 0))).toBe(true);
    expect(text).toContain("not the probability that nothing is shared");
    expect(text).toContain("after correction for 9 ways that were tried");
  });

  it("shows every number of its pictures in words or in a table as well", async () => {
    const { text, elements } = readPage(await renderHtml(comparePageReport()));
    const pictures = elements.filter(({ tagName }) => tagName === "svg");
    // Retention, T2, T1, the layer map, drift.
    expect(pictures).toHaveLength(5);
    for (const { attrs } of pictures) {
      expect(attrs.find(({ name }) => name === "role")?.value).toBe("img");
      expect(attrs.find(({ name }) => name === "aria-label")?.value.length).toBeGreaterThan(20);
    }
    for (const number of ["128 of 128 labels in place", "z 90.5", "92.0 %", "rank 8"]) expect(text).toContain(number);
  });

  it.each(["no-evidence", "not-testable"] as const)(
    "accuses nobody above its method where the verdict is %s",
    async (verdict) => {
      const silent = comparePageReport({
        verdict,
        summary: "No evidence that s and b share weights. This does not prove that they are unrelated.",
        relations: [],
        parents: [],
        direction: "not-established",
        log10P: verdict === "no-evidence" ? -0.4 : null,
        components: [],
        difference: { scale: null, reverseScale: null, drift: null, frozenTensors: 0, comparedTensors: 0 },
      });
      const text = await textOf(silent);
      const before = text.slice(0, text.indexOf("Method and limits"));
      expect(before).not.toMatch(ACCUSING);
      expect(before).toMatch(/no proof|not prove|nothing is said/);
    },
  );

  it("says of a calibrated verdict that no probability exists, and names none", async () => {
    const deep: CompareReport["deep"] = {
      basis: "calibrated",
      moved: ["neurons"],
      strength: { gate: 0.9, through: 0.9, tokens: null },
      learned: null,
    };
    const text = await textOf(comparePageReport({ deep, log10P: null, tests: [] }));
    expect(text).toContain("No probability exists for this finding.");
    expect(text).not.toContain("one in 10^");
    expect(text).toContain("proves less than an exact test");
  });

  it("says of an adapter alone no more than that labels agree", async () => {
    const deep: CompareReport["deep"] = { basis: "exact", moved: [], strength: null, learned: null };
    const text = await textOf(comparePageReport({ deep, log10P: -20, components: [], layers: [] }));
    expect(text).toContain("on a relative of it, they do not show");
    expect(text).not.toContain("part of what training wrote");
  });

  it("speaks of no chance where values were compared", async () => {
    for (const verdict of ["identical", "recast"] as const) {
      const text = await textOf(comparePageReport({ verdict }));
      expect(text.slice(0, text.indexOf("Parts of the model"))).toMatch(/no chance is involved\. $/);
    }
  });

  it("gives no command where a name cannot be printed as it is, and quotes others", async () => {
    const { suspect, base } = comparePageReport().inputs;
    const named = (location: string) =>
      textOf(comparePageReport({ inputs: { suspect: { ...suspect, location }, base } }));
    expect(await named("a\u202eb")).toContain("no command is given");
    expect(await named("it's; rm -rf ~")).toContain(`weightmark compare --depth sampled 'it'\\''s; rm -rf ~' models/b`);
    expect(await named("-o")).toContain("weightmark compare --depth sampled -- -o models/b");
  });
});

describe("the page of a mark", () => {
  it("says whose mark it is, how sure that is and what it does not show", async () => {
    const text = await textOf(verifyPageReport());
    expect(text).toContain("The mark of key fe048e34ee655bb3 is in these weights, and says “aa”.");
    expect(text).toContain("at most one in 10^205");
    expect(text).toContain("ranks 1 among 4,095 decoy keys");
    expect(text).toContain("Who put it there, and when, must be shown by other means");
  });

  it("says of none that it is no proof, and draws no decoys that the result does not hold", async () => {
    const { histogram: _, ...decoys } = verifyPageReport().decoys!;
    const absent = verifyPageReport({ present: false, level: "none", log2P: -0.2, payload: null, decoys });
    const { text, elements } = readPage(await renderHtml(absent));
    expect(text).toContain("was not found in these weights");
    expect(text).toContain("no proof that there was no mark");
    expect(elements.filter(({ tagName }) => tagName === "svg")).toHaveLength(1);
  });
});

describe("the page of a scan", () => {
  it("has a graph, a row for each model, and their limits once", async () => {
    const { text, elements, complaints } = readPage(await pageOf(scanOf(3)));
    expect(complaints).toEqual([]);
    expect(text).toContain("3 findings among 3 models.");
    expect(text).toContain("Of 3 findings: siblings look like this");
    expect(elements.filter(({ tagName }) => tagName === "svg")).toHaveLength(1);
    expect(text.match(/derives from base; lora/g)).toHaveLength(3);
  });

  it("of ten thousand models stays below four megabytes, and of more says how many are left out", async () => {
    const page = await pageOf(scanOf(10_000));
    expect(page.match(/<tr><td>/g)!.length).toBeGreaterThan(10_000);
    expect(page.length).toBeLessThan(4e6);
    const results = readResults("r.json", bytesOf(scanOf(1)));
    const { scan } = results[0]!;
    const items = async function* () {
      for (let i = 0; i < 20_003; i++) yield scanPageItem("m");
    };
    let text = "";
    for await (const piece of htmlPieces([{ file: null, scan: { ...scan!, items } }])) text += piece;
    expect(text).toContain("3 more models are left out here");
  });

  it("is the same from its document and from its lines", async () => {
    const { summary, items } = scanOf(3);
    const lines = [...items, summary].map((value) => JSON.stringify(value)).join("\n");
    const unnamed = (page: string) => page.replaceAll(/[0-9a-f]{64}/g, "");
    expect(unnamed(await pageOf(lines))).toBe(unnamed(await pageOf(scanOf(3))));
  });
});

describe("the page of several results", () => {
  it("lists them, with their files where these tell them apart", async () => {
    const lines = [comparePageReport(), verifyPageReport()].map((one) => JSON.stringify(one)).join("\n");
    const listOf = (page: string) => /<nav.*?<\/nav>/s.exec(page)![0];
    const one = listOf(await pageOf(lines));
    expect(one.match(/href="#result-/g)).toHaveLength(2);
    expect(one).not.toContain("r.json");
    const files = ["a.json", "b.json"].flatMap((name) => readResults(name, bytesOf(comparePageReport())));
    let two = "";
    for await (const piece of htmlPieces(files)) two += piece;
    expect(listOf(two)).toMatch(/a\.json.*b\.json/s);
  });
});

describe("every page", () => {
  it("lets nothing have an effect but its own style sheet and script, by their hashes", async () => {
    for (const page of [await renderHtml(comparePageReport()), await pageOf(scanOf(1))]) {
      const policy = readPage(page)
        .elements.flatMap(({ attrs }) => attrs)
        .find(({ value }) => value.includes("default-src"))!.value;
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      const codes = [...page.matchAll(/<(?:style|script)>([\s\S]*?)<\/(?:style|script)>/g)].map((match) => match[1]!);
      expect(codes).toHaveLength(policy.includes("script-src") ? 2 : 1);
      for (const code of codes) {
        expect(policy).toContain(`'sha256-${createHash("sha256").update(code).digest("base64")}'`);
      }
    }
  });

  it.each(HOSTILE_NAMES.map((name) => [JSON.stringify(name).slice(0, 60), name]))(
    "shows the name %s as text",
    async (_, name) => {
      const report = comparePageReport({ summary: `${name} derives from b.`, caveats: [name] });
      const item = scanPageItem(name, { caveats: [name] });
      for (const page of [await renderHtml(report), await pageOf({ summary: scanPageSummary(), items: [item] })]) {
        const { complaints, text } = readPage(page);
        expect(complaints).toEqual([]);
        if (/^[\x20-\x7e]{3,100}$/.test(name)) expect(text).toContain(name);
      }
    },
  );
});

describe("result files", () => {
  const codeOf = (bytes: Uint8Array) => {
    try {
      readResults("r.json", bytes);
    } catch (error) {
      return (error as { code: string }).code;
    }
    return null;
  };

  it.each([
    ["", "RESULT_MALFORMED"],
    ["{", "RESULT_MALFORMED"],
    ["[]", "RESULT_MALFORMED"],
    [{ ...comparePageReport(), schema: "weightmark/compare@2" }, "RESULT_VERSION"],
    [{ ...comparePageReport(), schema: "other/compare@1" }, "RESULT_VERSION"],
    [{ ...comparePageReport(), more: 1 }, "RESULT_MALFORMED"],
    [{ ...comparePageReport(), log10P: "-3" }, "RESULT_MALFORMED"],
    [{ summary: comparePageReport(), items: [] }, "RESULT_MALFORMED"],
    [{ summary: scanPageSummary(), items: [comparePageReport()] }, "RESULT_MALFORMED"],
    [`${JSON.stringify(scanPageItem("a"))}\n{`, "RESULT_MALFORMED"],
    ["[".repeat(100_000), "RESULT_MALFORMED"],
  ])("refuse %#", (value, code) => {
    expect(codeOf(bytesOf(value))).toBe(code);
  });

  it("refuse what is no UTF-8, too many results and too many bytes", () => {
    expect(codeOf(Uint8Array.of(0x22, 0xff, 0x22))).toBe("RESULT_MALFORMED");
    const line = JSON.stringify(scanPageItem("a"));
    expect(codeOf(bytesOf(Array.from({ length: 1001 }, () => line).join("\n")))).toBe("RESULT_TOO_LARGE");
    expect(codeOf({ length: 2 ** 28 } as Uint8Array)).toBe("RESULT_TOO_LARGE");
  });
});

describe("the directions of a difference", () => {
  it("are drawn where it has a low rank, and the result tells them", async () => {
    const { difference } = comparePageReport();
    const spectra = [{ component: "model.layers", layer: 0, role: "q", values: [9, 4, 0.5] }];
    const drawn = await textOf(comparePageReport({ difference: { ...difference, loraRank: 2, spectra } }));
    expect(drawn).toContain("here 2 stand out and the rest is rounding");
    expect(await textOf(comparePageReport())).not.toContain("Directions of the difference");
  });
});

describe("a candidate that is calibrated", () => {
  it("shows no p", async () => {
    const { schema: _, tool, inputs, ...comparison } = comparePageReport();
    const candidate = { root: false, verdict: "derived", direction: "not-established", matchedLayers: 0 } as const;
    const report: Report = {
      ...{ schema: "weightmark/identify@1", tool, inputs: { suspect: inputs.suspect } },
      ...{ verdict: "derived", summary: "s derives from b.", comparison, caveats: [] },
      candidates: [
        { ...candidate, name: "b", relations: [], log10P: -742.3, components: [] },
        { ...candidate, name: "c", relations: [], log10P: -0.3, components: [], basis: "calibrated" },
      ],
      registry: { location: "r", entries: 2, digest: "ab".repeat(32), updatedAt: null },
    };
    const text = await textOf(report);
    expect(text).toContain("cderived, no proofnone");
    expect(text).not.toContain("p = 0.50");
  });
});

describe("the section of a quantised copy", () => {
  const image: NonNullable<CompareReport["image"]> = {
    side: "suspect",
    scheme: "Q4_K_M: 5 Q4_K, 2 Q6_K",
    way: "through f16",
    everywhere: false,
    tensors: 300,
    requantised: { blocks: 1000, equal: 999 },
    nearest: { blocks: 40_000, equal: 39_998 },
    worst: { tensor: "blk.0.<b>ffn_down</b>.weight", halfSteps: 1.25, within: 0.9999 },
    whole: true,
    byTensor: [
      {
        tensor: "blk.0.<b>ffn_down</b>.weight",
        scheme: "Q6_K",
        nearest: { blocks: 400, equal: 398 },
        requantised: { blocks: 100, equal: 99 },
        halfSteps: 1.25,
        within: 0.9999,
      },
      {
        tensor: "blk.1.attn_q.weight",
        scheme: "Q4_K",
        nearest: { blocks: 400, equal: 400 },
        requantised: null,
        halfSteps: 1,
        within: 1,
      },
    ],
  };

  it("has scheme, shares, the largest distance and every tensor, and calls less than all never all", async () => {
    const { text, elements } = readPage(
      await renderHtml(comparePageReport({ verdict: "recast", image, relations: ["quantized"] })),
    );
    for (const said of [
      "Q4_K_M: 5 Q4_K, 2 Q6_K",
      "through f16",
      "999 of 1,000 (99.9 %)",
      "39,998 of 40,000 (99.99 %)",
      "1.25 half steps, in blk.0.<b>ffn_down</b>.weight (99.9 % of its values lie within one)",
      "99 of 100 (99 %)",
      "All that both hold is an original and its rounded image",
      "298 more are left out here",
    ]) {
      expect(text.replaceAll(/\s+/g, " ")).toContain(said);
    }
    expect(elements.filter(({ tagName }) => tagName === "b")).toEqual([]);
  });

  it("says where not all is an image, and needs no tensors one by one", async () => {
    const { byTensor: _, ...summed } = image;
    const text = await textOf(comparePageReport({ image: { ...summed, whole: false, requantised: null } }));
    expect(text).toContain("Not all that both hold is an original and its rounded image");
    expect(text).not.toContain("Tensors that were compared");
    const none = { ...summed, requantised: null, nearest: { blocks: 0, equal: 0 } };
    expect(await textOf(comparePageReport({ image: none }))).not.toContain("What rounding reproduces");
  });
});
