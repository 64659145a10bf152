import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ErrorReport, KeyReport } from "../../src/report/schemas/index.ts";
import { type CommandOptions, runCommand } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

async function report(args: readonly string[], options: CommandOptions): Promise<KeyReport> {
  const result = await runCommand([...args, "--json"], options);
  expect(result, result.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  return requireValid<KeyReport>("key@1", JSON.parse(result.stdout));
}

async function failure(args: readonly string[], exitCode: number, options: CommandOptions) {
  const result = await runCommand([...args, "--json"], options);
  expect(result, result.stderr).toMatchObject({ exitCode, stdout: "" });
  return requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
}

describe("key", () => {
  it("generates, shows, rotates and reseals", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "secret"), "open sesame\r\nnot this line\n", { mode: 0o600 });
    const sealed = ["--passphrase-file", "secret"];
    const made = await report(["key", "generate", "-o", "a.key", "--release", "v1", ...sealed], { cwd });
    expect(made).toMatchObject({
      action: "generate",
      key: { location: "a.key", release: "v1", sealed: true, replaces: null },
    });
    if (process.platform !== "win32") expect(statSync(join(cwd, "a.key")).mode & 0o777).toBe(0o600);

    const shown = await report(["key", "show", "a.key"], { cwd });
    expect(shown).toMatchObject({ action: "show", key: made.key });

    // As a secret store hands it over that was fed by `echo`.
    const env = { WEIGHTMARK_PASSPHRASE: "open sesame\n", WEIGHTMARK_NEW_PASSPHRASE: "new" };
    const next = await report(["key", "rotate", "a.key", "-o", "b.key", "--release", "v2"], { cwd, env });
    expect(next).toMatchObject({ action: "rotate", key: { release: "v2", replaces: made.key.id, sealed: true } });

    const again = await report(["key", "rotate", "a.key", "-o", "c.key", "--reseal"], { cwd, env });
    expect(again).toMatchObject({ action: "reseal", key: { ...made.key, location: "c.key" } });
    const wrong = ["key", "rotate", "c.key", "-o", "d.key", "--reseal", "--no-passphrase"];
    expect((await failure(wrong, 3, { cwd, env })).code).toBe("KEY_PASSPHRASE_WRONG");
    expect(readdirSync(cwd).sort()).toEqual(["a.key", "b.key", "c.key", "secret"]);
  });

  it("shows people the id and whether anybody can use the file, and never the key", async () => {
    const cwd = temporaryDirectory();
    const made = await runCommand(["key", "generate", "-o", "k", "--no-passphrase", "--release", "v1"], { cwd });
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    const { id, unsealed } = JSON.parse(readFileSync(join(cwd, "k"), "utf8")) as { id: string; unsealed: string };
    const shown = await runCommand(["key", "show", "k"], { cwd });
    for (const { stdout } of [made, shown]) {
      expect(stdout).toContain(id);
      expect(stdout).toContain("whoever reads the file has the key");
      expect(stdout).not.toContain(unsealed.slice(0, 16));
    }
  });

  it("refuses to guess, to replace, and to leave a key unsealed by accident", async () => {
    const cwd = temporaryDirectory();
    const code = async (exitCode: number, ...args: string[]) =>
      (await failure(["key", ...args], exitCode, { cwd })).code;
    expect(await code(2, "generate", "--no-passphrase")).toBe("USAGE");
    expect(await code(2, "generate", "-o", "k")).toBe("KEY_PASSPHRASE_MISSING");
    expect(await code(2, "generate", "-o", "k", "--no-passphrase", "--force")).toBe("USAGE");
    expect(await code(3, "generate", "-o", "k", "--passphrase-file", "none")).toBe("FILE_NOT_FOUND");
    writeFileSync(join(cwd, "empty"), "\nsecond line", { mode: 0o600 });
    expect(await code(2, "generate", "-o", "k", "--passphrase-file", "empty")).toBe("USAGE");
    expect(await code(2, "generate", "-o", "k", "--passphrase-file", "empty", "--no-passphrase")).toBe("USAGE");
    expect(await code(3, "show", "k")).toBe("FILE_NOT_FOUND");
    writeFileSync(join(cwd, "k"), "{}", { mode: 0o600 });
    expect(await code(3, "show", "k")).toBe("KEY_FILE_MALFORMED");
    expect(await code(3, "generate", "-o", "k", "--no-passphrase")).toBe("OUTPUT_EXISTS");
    expect(readdirSync(cwd).sort()).toEqual(["empty", "k"]);
  });

  it("refuses a passphrase that is no line of text", async () => {
    const cwd = temporaryDirectory();
    for (const bytes of [Buffer.from("s\xf8t", "latin1"), Buffer.from("\ufeffs\u00f8t", "utf16le")]) {
      writeFileSync(join(cwd, "file"), bytes, { mode: 0o600 });
      const error = await failure(["key", "generate", "-o", "k", "--passphrase-file", "file"], 2, { cwd });
      expect(error).toMatchObject({ code: "USAGE", file: "file" });
      expect(error.detail).toContain("UTF-8");
    }
    const env = { WEIGHTMARK_PASSPHRASE: "\n" };
    const error = await failure(["key", "generate", "-o", "k"], 2, { cwd, env });
    expect(error.message).toContain("WEIGHTMARK_PASSPHRASE");
    expect(readdirSync(cwd)).toEqual(["file"]);
  });

  it.runIf(process.platform !== "win32")("warns of secrets that others may read, unless told to be quiet", async () => {
    const cwd = join(temporaryDirectory(), "private");
    mkdirSync(cwd);
    writeFileSync(join(cwd, "secret"), "open sesame", { mode: 0o644 });
    const sealed = ["--passphrase-file", join(cwd, "secret")];
    const made = await runCommand(["key", "generate", "-o", "k", ...sealed], { cwd });
    expect(made.exitCode).toBe(0);
    expect(made.stderr).toMatch(
      /^weightmark: warning: .*secret: others than its owner may read .* passphrase's file\n/,
    );
    chmodSync(join(cwd, "k"), 0o444);
    const shown = await runCommand(["key", "show", join(cwd, "k"), "--json", "--redact-paths"], { cwd });
    expect(shown.exitCode).toBe(0);
    expect(requireValid<KeyReport>("key@1", JSON.parse(shown.stdout)).key.sealed).toBe(true);
    expect(shown.stderr).toMatch(/^weightmark: warning: k: others than its owner may read or change the key file\n/);
    expect(shown.stderr).not.toContain("sesame");
    const next = ["key", "rotate", "k", "--reseal", ...sealed, "--new-passphrase-file", join(cwd, "secret")];
    const rotated = await runCommand([...next, "-o", "l", "--redact-paths"], { cwd });
    expect(rotated.exitCode).toBe(0);
    expect(rotated.stderr.match(/warning: (?:k|secret): /g)).toHaveLength(3);
    expect(rotated.stderr).not.toContain("private");
    expect(await runCommand([...next, "-o", "m", "-q"], { cwd })).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
