import { scanExitCode } from "../../src/cli/scan/exit-code.ts";
import type { RunInfo } from "../../src/report/envelope.ts";
import { type ScanQuestion, scanSummaryReport } from "../../src/report/scan/build.ts";
import type { ScanExport } from "../../src/report/scan/export.ts";
import type { ScanPolicy } from "../../src/report/scan/policy.ts";
import type { ScanItem } from "../../src/scan/item.ts";
import { ScanTally } from "../../src/scan/summary.ts";
import { ROOT, scanFailure, scanFinding, scanItem, scanMark, scanMatch } from "./scan-items.ts";

export const quiet: RunInfo = { version: "1.2.3", startedAt: null, finishedAt: null };
export const timed: RunInfo = {
  ...quiet,
  startedAt: "2026-01-02T03:04:05.000Z",
  finishedAt: "2026-01-02T03:04:06.000Z",
};
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const HOSTILE = "evil\u001b[2J\u202e\r\u200b](http://x.example) {0}";

export const question: ScanQuestion = {
  parameters: {
    inputs: ["models"],
    include: [],
    exclude: ["*/old"],
    depth: "sampled",
    registry: ROOT,
    keys: [],
    maxBytes: 2 ** 40,
    timeout: null,
    version: "1.2.3",
  },
  registry: "/data/registry",
  listing: { api: 1, resolve: 0, storage: 0 },
};

export function summaryOf(items: readonly ScanItem[], change: { interrupted?: boolean; replayed?: number } = {}) {
  const tally = new ScanTally();
  for (const item of items) tally.add(item);
  return tally.summary({ interrupted: false, listed: items.length, replayed: 0, elapsedMs: 2000, ...change });
}

export function exportOf(items: readonly ScanItem[], run = quiet, policies: readonly ScanPolicy[] = []): ScanExport {
  const summary = summaryOf(items);
  return {
    run,
    summary: scanSummaryReport(run, question, summary, scanExitCode(summary, policies)),
    items: async function* () {
      yield* items;
    },
    policies,
    endpoint: "https://huggingface.co",
    root: "/srv/checkout",
  };
}

export async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

export const parsed = async (pieces: AsyncIterable<string>) => JSON.parse(await textOf(pieces));

export const various: readonly ScanItem[] = [
  scanFinding("a/derived"),
  scanFinding("b/equal", { verdict: "identical", direction: "not-established", relations: ["copy"] }),
  scanFinding("c/kin", { direction: "siblings" }),
  scanFinding("d/parent", { direction: "base-from-suspect" }),
  scanFinding("e/init", { verdict: "shared-init", direction: "siblings", relations: [], log10P: -12 }),
  scanItem("f/copy", { status: "duplicate", duplicateOf: "a/derived", verdict: "derived", matches: [scanMatch()] }),
  scanFailure("g/broken"),
  scanFailure("h/away", { code: "HTTP_TIMED_OUT", message: "no answer", passing: true, detail: "Try again." }),
  scanItem(`hf:acme/tuned@${COMMIT}`, { name: "acme/tuned", revision: COMMIT, marks: [scanMark()] }),
  scanItem("i/none", {
    status: "skipped",
    verdict: null,
    failure: { ...scanFailure("x").failure!, code: "NO_WEIGHTS" },
  }),
  scanItem(`j/${HOSTILE}`, { family: HOSTILE, summary: HOSTILE, caveats: [HOSTILE] }),
];

/** What is no relative reference has the scheme of a checkout: else GitHub takes nothing of the file. RFC 3986, 4.2. */
const SCHEMELESS = /^(?!\/)(?:(?:%[0-9A-F]{2}|[\w.~!$&'()*+,;=@-])+(?:\/(?:%[0-9a-f]{2}|[\w.~!$&'()*+,;=:@-])*)*)?$/i;
export const isAcceptable = (uri: string) => SCHEMELESS.test(uri) || uri.startsWith("file:///");
