import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { byteCount, FAIL_ON, wholeNumber } from "../../../src/cli/options.ts";
import { createProgress } from "../../../src/cli/progress.ts";
import { mapStrings, pathRedactor } from "../../../src/cli/redact.ts";
import { exitCodeFor } from "../../../src/cli/verdict-exit.ts";
import { VERDICT_ORDER } from "../../../src/lineage/result.ts";

vi.mock("node:os", { spy: true });

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.mocked(homedir).mockReset();
});

describe("byteCount", () => {
  it.each([
    ["0", 0],
    ["1000", 1000],
    ["1.5kB", 1500],
    ["2GiB", 2 ** 31],
    ["3 mb", 3e6],
    ["1T", 1e12],
  ])("reads %s", (text, bytes) => {
    expect(byteCount(text)).toBe(bytes);
  });

  it.each(["", "-1", "x", "1.", "1e3", "NaN", "9999999TB", "1 0", "0x10", "1constructor"])("refuses %j", (text) => {
    expect(() => byteCount(text)).toThrow("bytes");
  });
});

describe("wholeNumber", () => {
  it("keeps its bounds", () => {
    const parse = wholeNumber(0, 8);
    expect([parse("0"), parse("8")]).toEqual([0, 8]);
    for (const text of ["9", "-1", "1.5", "", " 1", "1e0"]) expect(() => parse(text)).toThrow("from 0 to 8");
  });
});

describe("exitCodeFor", () => {
  it("is 1 exactly at or above the verdict asked for", () => {
    for (const failOn of FAIL_ON) {
      for (const verdict of VERDICT_ORDER) {
        const above = VERDICT_ORDER.indexOf(verdict) <= VERDICT_ORDER.indexOf(failOn);
        expect(exitCodeFor(verdict, failOn), `${verdict} ${failOn}`).toBe(above ? 1 : 0);
        expect(exitCodeFor(verdict, undefined)).toBe(0);
      }
    }
  });
});

describe("progress", () => {
  const run = (terminal: boolean) => {
    let time = 0;
    let text = "";
    const stream = { write: (piece: string) => (text += piece) };
    const progress = createProgress({ label: "reading m", unit: "bytes", stream, terminal, now: () => time });
    for (let done = 0; done <= 10; done++) {
      progress.update(done * 1e9, 10e9);
      time += 1000;
    }
    progress.end();
    return text;
  };

  it("redraws a bar on a terminal and takes it away", () => {
    const text = run(true);
    expect(text).toContain(
      "\r\u001b[Kreading m [############------------] 50 % (5.00 GB of 10.0 GB, 1.00 GB/s, 5 s left)",
    );
    expect(text.endsWith("\r\u001b[K")).toBe(true);
    expect(text).not.toContain("\n");
  });

  it("prints a plain line now and then elsewhere", () => {
    expect(run(false)).toBe(
      "reading m: 50 % (5.00 GB of 10.0 GB, 1.00 GB/s, 5 s left)\nreading m: 100 % (10.0 GB of 10.0 GB, 1.00 GB/s, 0 s left)\n",
    );
  });
});

describe("the time left", () => {
  /** What a line says after each step: seconds, done. */
  function lines(total: number, steps: readonly (readonly [seconds: number, done: number])[]): string[] {
    let time = 0;
    let text = "";
    const stream = { write: (piece: string) => (text += piece) };
    const progress = createProgress({ label: "m", unit: "readings", stream, terminal: false, now: () => time });
    for (const [seconds, done] of steps) {
      time = 1000 * seconds;
      progress.update(done, total);
    }
    return text.trimEnd().split("\n");
  }

  it("is not told of what has hardly begun", () => {
    // Opening the model took ten seconds, and what was done after a moment says nothing of a hundred thousand.
    expect(
      lines(100_146, [
        [10, 0],
        [10.1, 1],
        [15.1, 900],
      ]),
    ).toEqual(["m: 0 % (0 of 100,146)", "m: 0 % (900 of 100,146)"]);
  });

  it("is told of the work alone, not of what came before it", () => {
    expect(
      lines(1000, [
        [100, 0],
        [101, 1],
        [111, 101],
      ]).at(-1),
    ).toBe("m: 10 % (101 of 1,000, 1 min 30 s left)");
  });

  it("is that of all the work since the first piece", () => {
    expect(
      lines(1000, [
        [0, 1],
        [0.1, 500],
        [5, 500],
        [10, 1000],
      ]),
    ).toEqual(["m: 50 % (500 of 1,000, 5 s left)", "m: 100 % (1,000 of 1,000, 0 s left)"]);
  });
});

describe("redaction", () => {
  it("leaves the last part of named paths, and nothing of home and working directory", () => {
    const redact = pathRedactor(["/data/secret/model", "relative"]);
    expect(redact("/data/secret/model/a.safetensors")).toBe("model/a.safetensors");
    expect(redact(`${process.cwd()}/relative: no such file`)).toBe("relative: no such file");
    expect(redact(join(homedir(), "x"))).toBe("x");
    expect(redact("a relative word")).toBe("a relative word");
  });

  it("takes a relative directory for one where a path begins with it, and for no word or schema", () => {
    const redact = pathRedactor(["a/model", "weightmark/other", "x+y/model"]);
    const report = { schema: "weightmark/compare@1", verdict: "shares a data/a/model", location: "a/model", at: "a" };
    expect(mapStrings(report, redact)).toEqual({ ...report, location: "model", at: "." });
    expect(redact("'a/model' and x+y/model, not .a/model")).toBe("'model' and model, not .a/model");
  });

  it("takes no path apart where home and working directory are the root", () => {
    vi.stubEnv("HOME", "/");
    vi.spyOn(process, "cwd").mockReturnValue("/");
    expect(pathRedactor(["/data/secret/model"])("/data/secret/model/a, see docs/method.md")).toBe(
      "model/a, see docs/method.md",
    );
  });

  it("does without a home and without a working directory", () => {
    vi.mocked(homedir).mockImplementation(() => {
      throw new Error("ENOENT: uv_os_homedir");
    });
    vi.spyOn(process, "cwd").mockImplementation(() => {
      throw new Error("ENOENT: uv_cwd");
    });
    expect(pathRedactor(["/data/secret/model", "relative"])("/data/secret/model: no such file")).toBe(
      "model: no such file",
    );
  });

  it("reaches every string of a result and changes nothing else", () => {
    const value = { a: ["x", 1, null, { b: "x" }], __proto__x: "x", c: true };
    expect(mapStrings(value, (text) => text.toUpperCase())).toEqual({
      a: ["X", 1, null, { b: "X" }],
      __proto__x: "X",
      c: true,
    });
  });
});
