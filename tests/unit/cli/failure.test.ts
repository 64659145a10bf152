import { describe, expect, it } from "vitest";
import { describeFailure } from "../../../src/cli/failure.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { requireValid } from "../../support/schemas.ts";

const plain = { json: false, verbose: false, redact: (text: string) => text };
const json = { ...plain, json: true };

describe("describeFailure", () => {
  const known = new WeightmarkError("FILE_NOT_FOUND", "no such file", {
    file: "a\u001b\r",
    tensor: "t\u202e",
    detail: "Look.",
  });

  it("is one line and a hint for people", () => {
    const { text, exitCode } = describeFailure(known, plain);
    expect(exitCode).toBe(3);
    expect(text).toBe("weightmark: a\\u{1b}\\u{d}, tensor t\\u{202e}: no such file (FILE_NOT_FOUND)\nLook.\n");
  });

  it("is one JSON object for programs, with the raw names in it", () => {
    const { text } = describeFailure(known, json);
    expect(text.match(/[^\n]+\n/g)).toEqual([text]);
    expect(text).not.toContain("\u202e");
    expect(requireValid("error@1", JSON.parse(text))).toEqual({
      error: { code: "FILE_NOT_FOUND", message: "no such file", detail: "Look.", file: "a\u001b\r", tensor: "t\u202e" },
    });
  });

  it.each([[new TypeError("x is not a function")], ["thrown text"], [undefined], [null]])("calls %s a bug", (error) => {
    const { text, exitCode } = describeFailure(error, plain);
    expect(exitCode).toBe(70);
    expect(text).toContain("This is a bug in weightmark");
    requireValid("error@1", JSON.parse(describeFailure(error, json).text));
  });

  it("says what helps where the machine is behind a refusal that does not know it", () => {
    const cause = Object.assign(new Error("EMFILE: too many open files, link 'x'"), { code: "EMFILE" });
    const { text, exitCode } = describeFailure(new WeightmarkError("WRITE_FAILED", "no lock", { cause }), plain);
    expect(exitCode).toBe(3);
    expect(text).toMatch(/^weightmark: no lock \(WRITE_FAILED\)\n.*ulimit -n/);
  });

  it("shows the stack with --verbose only", () => {
    const bug = new Error("broken");
    expect(describeFailure(bug, plain).text).not.toContain("failure.test");
    expect(describeFailure(bug, { ...plain, verbose: true }).text).toContain("failure.test");
  });
});
