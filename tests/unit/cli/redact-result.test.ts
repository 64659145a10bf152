import { describe, expect, it } from "vitest";
import { redactResult } from "../../../src/cli/redact-result.ts";
import { htmlPieces } from "../../../src/report/html/render-html.ts";
import { readResults } from "../../../src/report/read-results.ts";
import { comparePageReport, scanPageItem, scanPageSummary } from "../../support/page-reports.ts";
import { refusal } from "../../support/refusal.ts";

async function redacted(value: unknown): Promise<string> {
  const results = readResults("/home/me/case/r.json", new TextEncoder().encode(JSON.stringify(value)));
  let page = "";
  for await (const piece of htmlPieces(results.map(redactResult))) page += piece;
  return page;
}

describe("a page without paths", () => {
  it("keeps the last part of what results name, and of the file itself", async () => {
    const { suspect, base } = comparePageReport().inputs;
    const inputs = { suspect: { ...suspect, location: "/data/secret/s" }, base: { ...base, location: "hf:org/b@abc" } };
    const page = await redacted(comparePageReport({ inputs, caveats: ["/data/secret/s was read"] }));
    expect(page).not.toMatch(/secret|\/home\/me/);
    for (const shown of ["<bdi>s</bdi>", "hf:org/b@abc", "s was read", "<bdi>r.json</bdi>"])
      expect(page).toContain(shown);
  });

  it.each([
    ["C:\\Users\\alice\\s.bin", "s.bin"],
    ["\\\\server\\alice\\s.bin", "s.bin"],
    ["/srv/alice/x.tar!/home/alice/s.bin", "x.tar!/s.bin"],
    ["/srv/alice/ad+/home/alice/s", "ad+s"],
    ["https://alice:word@h.org/s.bin?token=alice", "https://h.org/s.bin"],
  ])("does so by the rules of the system that %s is of", async (location, shown) => {
    const { suspect, base } = comparePageReport().inputs;
    const inputs = { suspect: { ...suspect, location }, base };
    const page = await redacted(
      comparePageReport({ inputs, caveats: [`${location} was read`, ...location.split("+"), 'in "home/alice/s.bin"'] }),
    );
    expect(page.replaceAll("in &quot;home/alice/s.bin", "")).not.toContain("alice");
    expect(page).toContain(`<bdi>${shown}</bdi>`);
    expect(page).toContain(`${shown} was read`);
    expect(page.includes("home/alice")).toBe(!location.includes("!/"));
  });

  it("is refused where a result names more places than can be looked for", async () => {
    const inputs = Array.from({ length: 2001 }, (_, i) => `/data/${i}/m`);
    await refusal(redacted({ summary: scanPageSummary({ inputs }), items: [] }), "RESULT_TOO_LARGE");
    await redacted({ summary: scanPageSummary({ inputs: inputs.slice(10) }), items: [] });
    const members = inputs.map((path) => `/x.zip!${path}`);
    await refusal(redacted({ summary: scanPageSummary({ inputs: members }), items: [] }), "RESULT_TOO_LARGE");
  });

  it("hides where links may lead, wherever that is", async () => {
    const summary = scanPageSummary({ allowLinks: ["/data/secret/links"] });
    const results = readResults("r.json", new TextEncoder().encode(JSON.stringify({ summary, items: [] })));
    const hidden = JSON.stringify(results.map((one) => redactResult(one).report ?? redactResult(one).scan?.summary));
    expect(hidden).toContain("links");
    expect(hidden).not.toContain("secret");
  });

  it("does so of every model of a scan", async () => {
    const items = [scanPageItem("/data/secret/m", { name: "m", location: "/data/secret/m" })];
    const page = await redacted({ summary: scanPageSummary({ inputs: ["/data/secret/models/"] }), items });
    expect(page).not.toContain("secret");
    expect(page).toContain("<bdi>m</bdi>");
  });
});
