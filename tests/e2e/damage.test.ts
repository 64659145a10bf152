import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ErrorReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { changed, tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();
const FINGERPRINT = "base.fingerprint.safetensors";
const SCAN = ["scan", "models", "--registry", "bases", "--no-cache", "--jobs", "0", "--no-progress", "--journal"];

async function done(args: readonly string[], exitCode = 0): Promise<void> {
  const result = await server.run(args, root);
  expect(result, result.stderr).toMatchObject({ exitCode });
}

async function failure(args: readonly string[]): Promise<ErrorReport["error"]> {
  const result = await server.run([...args, "--json"], root);
  expect(result, result.stderr).toMatchObject({ exitCode: 3, stdout: "" });
  return requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
}

/** The file with the one byte changed that lies `offset` after the first occurrence of a text. */
function damage(name: string, text: string, offset = 0): void {
  const bytes = readFileSync(at(name));
  const place = bytes.indexOf(text);
  expect(place).toBeGreaterThan(-1);
  bytes[place + offset]! ^= 1;
  writeFileSync(at(name), bytes);
}

afterAll(() => server.stop());

beforeAll(async () => {
  const base = tinyModel(1);
  writeModel(at("base"), base);
  writeModel(at("models", "tuned"), changed(base, 3, 0.2));
  await done(["registry", "add", "base", "--root", "--registry", "bases"]);
});

it("one bit of a fingerprint's signs decides nothing: the file is refused", async () => {
  await done(["fingerprint", "base", "--force"]);
  const bytes = readFileSync(at(FINGERPRINT));
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(at(FINGERPRINT), bytes);
  const error = await failure(["compare", join("models", "tuned"), FINGERPRINT]);
  expect(error).toMatchObject({ code: "FINGERPRINT_MALFORMED", file: FINGERPRINT });
  expect(error.detail).toMatch(/again/);
});

it("a fingerprint whose mark is damaged is not compared as if it were a model", async () => {
  await done(["fingerprint", "base", "--force"]);
  damage(FINGERPRINT, "weightmark.fingerprint");
  expect((await failure(["compare", join("models", "tuned"), FINGERPRINT])).code).toBe("FINGERPRINT_MALFORMED");
});

it.each(["scan", "item", "end"])("a journal says which line is damaged: in the one of the %s", async (kind) => {
  const journal = `${kind}.jsonl`;
  await done([...SCAN, journal]);
  // The quotation mark behind the check.
  damage(journal, `",${JSON.stringify(kind)}:`);
  const error = await failure([...SCAN, journal, "--resume"]);
  expect(error).toMatchObject({ code: "SCAN_JOURNAL_CORRUPT", file: journal });
  expect(error.message).toContain(`line ${["scan", "item", "end"].indexOf(kind) + 1}`);
  expect(error.detail).toMatch(/--journal/);
});

it("an archive with a letter of a name changed registers nothing", async () => {
  await done(["registry", "export", "--registry", "bases", "-o", "archive"]);
  damage("archive", '"name":"base"', 8);
  expect(await failure(["registry", "import", "archive", "--registry", "imported"])).toMatchObject({
    code: "ARCHIVE_MALFORMED",
    message: expect.stringContaining("line 2"),
  });
});

it("a key with a digit of its date changed is not shown as another day's", async () => {
  await done(["key", "generate", "-o", "key", "--no-passphrase"]);
  damage("key", '"created": "20', 13);
  expect((await failure(["key", "show", "key"])).code).toBe("KEY_FILE_MALFORMED");
});
