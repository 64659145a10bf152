import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { passphraseOf } from "../../../src/cli/watermark-key.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const VARIABLE = "WEIGHTMARK_TEST_PASSPHRASE";
const ignore = () => undefined;

afterEach(() => {
  delete process.env[VARIABLE];
});

function fromVariable(value: string): Promise<string | null> {
  process.env[VARIABLE] = value;
  return passphraseOf(undefined, VARIABLE, ignore);
}

function fromFile(content: string | Uint8Array): Promise<string | null> {
  const path = join(temporaryDirectory(), "passphrase");
  writeFileSync(path, content, { mode: 0o600 });
  return passphraseOf(path, VARIABLE, ignore);
}

describe("a passphrase", () => {
  it.each(["", "\n", "\r\n", "\r", "\n\n", "\nsecond line\n"])("is what was typed before %j", async (end) => {
    for (const start of ["", "\ufeff"]) {
      expect(await fromVariable(`${start} s\u00f8t pass ${end}`)).toBe(" s\u00f8t pass ");
      expect(await fromFile(`${start} s\u00f8t pass ${end}`)).toBe(" s\u00f8t pass ");
    }
  });

  it("is not there, or empty, or no text", async () => {
    expect(await passphraseOf(undefined, VARIABLE, ignore)).toBeNull();
    expect(await fromVariable("")).toBeNull();
    for (const text of ["\n", "\r\nx", "\ufeff", "\ufeff\nx"]) {
      await refusal(fromVariable(text), "USAGE");
      await refusal(fromFile(text), "USAGE");
    }
    await refusal(fromFile(""), "USAGE");
    await refusal(fromFile(Buffer.from("s\u00f8t", "latin1")), "USAGE");
    await refusal(fromFile(Buffer.from("\ufeffs\u00f8t", "utf16le")), "USAGE");
    await refusal(fromFile("x".repeat(65_537)), "USAGE");
    expect(await fromFile("x".repeat(65_536))).toHaveLength(65_536);
  });
});
