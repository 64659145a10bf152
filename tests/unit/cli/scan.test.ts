import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createConsole } from "../../../src/cli/scan/console.ts";
import { createLog } from "../../../src/cli/scan/log.ts";
import type { ScanOptions } from "../../../src/cli/scan/options.ts";
import { scanPieces, scanPrinter } from "../../../src/cli/scan/output.ts";
import { createScanProgress } from "../../../src/cli/scan/progress.ts";
import { redactionOf } from "../../../src/cli/scan/redaction.ts";
import { ERRORS, WeightmarkError } from "../../../src/errors.ts";
import { scanSummaryReport } from "../../../src/report/scan/build.ts";
import type { ScanExport } from "../../../src/report/scan/export.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { ScanTally } from "../../../src/scan/summary.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { parametersOf, scanFailure, scanFinding, scanItem } from "../../support/scan-items.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const stderr = capturedOutput();
const none = { hubOrg: [], include: [], exclude: [], failOn: [] } satisfies Partial<ScanOptions>;

describe("progress", () => {
  const state = { done: 30, listed: 100, listing: true, replayed: 10, failed: 2, bytes: 2_000_000, waitMs: 0 };

  function progress(terminal: boolean) {
    let time = 0;
    let text = "";
    const stream = { write: (piece: string) => (text += piece) };
    const bar = createScanProgress({ stream, terminal, now: () => time });
    return {
      ...bar,
      at(ms: number) {
        time = ms;
      },
      get text() {
        return text;
      },
    };
  }

  it("is redrawn in place on a terminal, ten times a second at most, and can be taken away", () => {
    const shown = progress(true);
    shown.update({ ...state, done: 10 });
    shown.at(50);
    shown.update(state);
    expect(shown.text).toBe("\r\u001b[Kscanned 10 of 100 so far (2.00 MB, 2 failures)");
    shown.at(10_000);
    shown.update({ ...state, listing: false });
    expect(shown.text).toContain("\r\u001b[Kscanned 30 of 100 (2.00 MB, 2.0/s, 35 s left, 2 failures)");
    shown.at(11_000);
    shown.update({ ...state, waitMs: 61_000 });
    expect(shown.text).toMatch(/2 failures, waiting 1 min 1 s for a rate limit\)$/);
    shown.clear();
    expect(shown.text.endsWith("\r\u001b[K")).toBe(true);
    shown.update(state);
    expect(shown.text.endsWith("failures)")).toBe(true);
  });

  it("tells no time left of what has hardly begun", () => {
    const shown = progress(false);
    const large = { ...state, listing: false, replayed: 0, failed: 0, listed: 10_000 };
    shown.at(6000);
    shown.update({ ...large, done: 1 });
    shown.at(12_000);
    shown.update({ ...large, done: 100 });
    expect(shown.text).toBe(
      "scanned 1 of 10,000 (2.00 MB, 0.17/s)\nscanned 100 of 10,000 (2.00 MB, 8.3/s, 19 min 48 s left)\n",
    );
  });

  it("leaves a line now and then elsewhere", () => {
    const shown = progress(false);
    shown.at(4000);
    shown.update(state);
    shown.clear();
    expect(shown.text).toBe("");
    shown.at(6000);
    shown.update({ ...state, failed: 0 });
    expect(shown.text).toBe("scanned 30 of 100 so far (2.00 MB, 3.3/s)\n");
  });
});

describe("the log", () => {
  function log(format: "text" | "json", level: "info" | "warn" = "info") {
    let text = "";
    const stream = { write: (piece: string) => (text += piece) };
    const redact = (shown: string) => shown.replaceAll("/home/me/", "");
    const made = createLog({ format, stream, level, redact, now: () => "2026-01-02T03:04:05.000Z" });
    return { ...made, read: () => text };
  }

  it("is a JSON object a line for programs, with nothing that a terminal acts on", () => {
    const json = log("json");
    json.write("info", "item", { target: "/home/me/evil\u001b[2J\n", code: null, bytes_read: 3 });
    expect(json.read()).not.toContain("\u001b");
    expect(json.read().split("\n")).toHaveLength(2);
    expect(JSON.parse(json.read())).toEqual({
      time: "2026-01-02T03:04:05.000Z",
      level: "info",
      event: "item",
      target: "evil\u001b[2J\n",
      code: null,
      bytes_read: 3,
    });
  });

  it("is a line for people, of what there is to say", () => {
    const text = log("text");
    text.write("info", "item", { target: "/home/me/a\r", code: null, attempt: 2 });
    expect(text.read()).toBe("weightmark: item: target a\\u{d}, attempt 2\n");
    const quiet = log("text", "warn");
    quiet.write("info", "item");
    quiet.write("error", "gone");
    expect(quiet.read()).toBe("weightmark: gone\n");
  });
});

describe("what a scan says on stderr", () => {
  const trouble = new WeightmarkError("WRITE_FAILED", "no space", { file: "/data/cache/x" });

  it.each<[Partial<ScanOptions>, number]>([
    [{}, 1],
    [{ quiet: true }, 0],
    [{ verbose: true }, 3],
    [{ logFormat: "json" }, 3],
    [{ logFormat: "json", verbose: true }, 4],
  ])("with %j is %i lines", (options, lines) => {
    const shown = createConsole({ ...none, progress: false, ...options }, redactionOf(none, []));
    const item = scanFailure("a");
    const target = { id: "a" } as never;
    shown.event({ type: "taken", job: { scan: "s", target }, attempt: 1 });
    shown.item(item);
    shown.trouble(trouble);
    if (!options.quiet) expect(stderr.stderr).toContain(ERRORS.WRITE_FAILED.advice);
    shown.finished({ ...summaryOf([item]), interrupted: false }, 3);
    shown.end();
    expect(stderr.stderr.split("\n").length - 1).toBe(lines);
    expect(stderr.stdout).toBe("");
  });

  it("says how to go on after an interruption", () => {
    const shown = createConsole({ ...none, progress: false }, redactionOf(none, []));
    shown.interrupted();
    shown.finished({ ...summaryOf([]), interrupted: true }, 5);
    expect(stderr.stderr).toMatch(/once more to stop at once\n.*--resume goes on\n$/);
  });

  it("hides directories where it is told to", () => {
    const directory = temporaryDirectory();
    const options = { ...none, progress: false, redactPaths: true };
    const shown = createConsole(options, redactionOf(options, [join(directory, "models")]));
    shown.trouble(new WeightmarkError("WRITE_FAILED", `${directory}/models/x`, { file: `${directory}/models/x` }));
    expect(stderr.stderr).toContain("models/x");
    expect(stderr.stderr).not.toContain(directory);
  });

  it("hides the directories of a list as well, which it meets one by one", () => {
    const redaction = redactionOf({ ...none, redactPaths: true, list: "-" }, []);
    const copy = { ...scanItem("/srv/secret/one"), duplicateOf: "/srv/other/two" };
    const { id, location, duplicateOf, summary } = redaction.about(copy);
    expect([id, location, duplicateOf]).toEqual(["one", "one", "two"]);
    expect(summary).toMatch(/^No evidence that one and/);
    expect(redaction.about(scanItem("hf:acme/x")).location).toBe("hf:acme/x");
    const member = redactionOf({ ...none, redactPaths: true }, ["/srv/m.tar"]).about(
      scanItem("/srv/m.tar!/home/secret/one"),
    );
    expect(JSON.stringify(member)).not.toContain("secret");
    expect(member.location).toBe("m.tar!/one");
    expect(redactionOf({ ...none, list: "-" }, []).about(copy)).toBe(copy);
  });
});

function summaryOf(items: readonly ScanItem[]) {
  const tally = new ScanTally();
  for (const item of items) tally.add(item);
  return tally.summary({ interrupted: false, listed: items.length, replayed: 0, elapsedMs: null });
}

describe("printing as items end", () => {
  const run = { version: "1", startedAt: null, finishedAt: null };
  const items = [scanFinding("b"), scanItem("a"), scanFailure("c")];
  const listing = { api: 0, resolve: 0, storage: 0 };
  const question = { parameters: parametersOf({}), registry: null, listing };
  const scan: ScanExport = {
    run,
    summary: scanSummaryReport(run, question, summaryOf(items), 3),
    items: async function* () {
      yield* items;
    },
    policies: [],
    endpoint: "https://huggingface.co",
    root: null,
  };

  it.each(["text", "jsonl"] as const)("is in %s what is printed when the scan is over", async (format) => {
    const printer = scanPrinter(run, format, false)!;
    const live = items.map((item) => printer.item(item)).join("") + printer.summary(scan.summary);
    let whole = "";
    for await (const piece of scanPieces(scan, format, false)) whole += piece;
    expect(live).toBe(whole);
    expect(whole.length).toBeGreaterThan(500);
  });

  it.each(["json", "sarif", "cyclonedx"] as const)("is nothing for %s, which is one document", (format) => {
    expect(scanPrinter(run, format, false)).toBeNull();
  });

  it("prints a summary alone where there is nothing else", () => {
    expect(scanPrinter(run, "text", false)!.summary(scan.summary)).toMatch(/^3 models: /);
    expect(scanPrinter(run, "text", true)!.item(items[0]!).startsWith("\u001b[36m\u001b[1mderived")).toBe(true);
  });
});
