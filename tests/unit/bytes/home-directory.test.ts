import { homedir } from "node:os";
import { describe, expect, it } from "vitest";
import { homeDirectory, noHomeDirectory } from "../../../src/bytes/home-directory.ts";

describe("the home directory", () => {
  it("is that of the system", () => {
    expect(homeDirectory()).toBe(homedir());
  });

  it("is none where the system knows of none, or of one that moves with the working directory", () => {
    expect(
      homeDirectory(() => {
        throw new Error("ENOENT: uv_os_homedir");
      }),
    ).toBeNull();
    for (const home of ["", ".", "me"]) expect(homeDirectory(() => home)).toBeNull();
  });

  it("is refused with what to name instead", () => {
    expect(noHomeDirectory("the registry", "--registry")).toMatchObject({
      code: "NO_HOME_DIRECTORY",
      kind: "usage",
      detail: "Set HOME, or name the place: --registry.",
    });
  });
});
