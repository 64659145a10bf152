import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exposedPassphrase, isExposed } from "../../../../src/watermark/key/secret-file.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";

describe.runIf(onPosix)("a file with a secret", () => {
  it.each([
    [0o600, 1000, false],
    [0o400, 1000, false],
    [0o700, 1000, false],
    [0o640, 1000, true],
    [0o440, 1000, true],
    [0o604, 1000, true],
    [0o600, 0, false],
    [0o640, 0, false],
    [0o440, 0, false],
    [0o660, 0, true],
    [0o450, 0, true],
    [0o444, 0, true],
    [0o644, 0, true],
    [0o602, 0, true],
    [0o601, 0, true],
  ])("of mode %o and owner %i: exposed %s", (mode, uid, exposed) => {
    // The bits above say what kind of file it is.
    expect(isExposed({ mode: 0o100000 | mode, uid })).toBe(exposed);
  });

  it("that a passphrase is in is told of by name, and a pipe or nothing is not", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "passphrase");
    writeFileSync(path, "open sesame");
    chmodSync(path, 0o644);
    const warning = await exposedPassphrase(path);
    expect(warning).toMatchObject({ code: "KEY_FILE_PERMISSIONS", file: path });
    expect(JSON.stringify([warning?.message, warning?.detail])).not.toContain("sesame");
    chmodSync(path, 0o600);
    mkdirSync(join(directory, "directory"));
    for (const name of ["passphrase", "directory", "none"]) {
      expect(await exposedPassphrase(join(directory, name))).toBeNull();
    }
    expect(await exposedPassphrase("/dev/null")).toBeNull();
  });
});
