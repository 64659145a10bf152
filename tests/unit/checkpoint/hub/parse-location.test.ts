import { describe, expect, it, test } from "vitest";
import { parseHubLocation, pinnedLocation } from "../../../../src/checkpoint/hub/parse-location.ts";
import { isIdPart, isRepositoryId } from "../../../../src/checkpoint/hub/repository-id.ts";
import { isRemoteLocation } from "../../../../src/checkpoint/location.ts";
import { WeightmarkError } from "../../../../src/errors.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

test.each([
  ["hf:acme/base", { id: "acme/base", revision: null, path: "" }],
  ["hf:acme/base/", { id: "acme/base", revision: null, path: "" }],
  ["hf:acme/base@main", { id: "acme/base", revision: "main", path: "" }],
  [`hf:acme/base@${COMMIT}`, { id: "acme/base", revision: COMMIT, path: "" }],
  ["hf:acme/base/transformer", { id: "acme/base", revision: null, path: "transformer" }],
  ["hf:acme/base@v1.0/a/model.safetensors", { id: "acme/base", revision: "v1.0", path: "a/model.safetensors" }],
  ["hf:acme/base@refs/pr/12", { id: "acme/base", revision: "refs/pr/12", path: "" }],
  ["hf:acme/base@refs/pr/12/sub", { id: "acme/base", revision: "refs/pr/12", path: "sub" }],
  ["hf:acme/base@refs/convert/bf16/sub", { id: "acme/base", revision: "refs/convert/bf16", path: "sub" }],
  ["hf:acme/base@feature%2Fx/sub", { id: "acme/base", revision: "feature/x", path: "sub" }],
  ["hf:A-1_b.c/D.e-f_2", { id: "A-1_b.c/D.e-f_2", revision: null, path: "" }],
])("%s is read", (location, named) => {
  expect(parseHubLocation(location)).toEqual(named);
});

test.each([
  "hf:",
  "hf:base",
  "hf:/base",
  "hf:acme/",
  "hf://acme/base",
  "hf:../base",
  "hf:acme/..",
  "hf:acme/a..b",
  "hf:.acme/base",
  "hf:acme/base.",
  "hf:acme/-base",
  "hf:acme/base.git",
  "hf:acme/b\u0430se",
  "hf:acme/base?x=1",
  "hf:acme/base#x",
  "hf:ac%2Fme/base",
  `hf:acme/${"a".repeat(97)}`,
  "hf:acme/base@",
  "hf:acme/base@/sub",
  "hf:acme/base@..",
  "hf:acme/base@a%2F..%2Fb",
  "hf:acme/base@%2Fa",
  "hf:acme/base@a b",
  "hf:acme/base@a?b",
  "hf:acme/base@%E0%A4%A",
  "hf:acme/base@a%0Ab",
  "hf:acme/base@.hidden",
  "hf:acme/base/../other",
  "hf:acme/base//sub",
  "hf:acme/base/sub\\x",
  "hf:acme/base/%2e%2e",
  "hf:acme/base\n",
  `hf:acme/base/${"a".repeat(2000)}`,
])("%j is refused", (location) => {
  expect(() => parseHubLocation(location)).toThrow(WeightmarkError);
  expect(() => parseHubLocation(location)).toThrow(
    expect.objectContaining({ code: "HUB_NAME_INVALID", kind: "usage" }),
  );
});

describe("locations", () => {
  it("are pinned so that they can be read again", () => {
    for (const path of ["", "sub/dir"]) {
      const pinned = pinnedLocation("acme/base", COMMIT, path);
      expect(parseHubLocation(pinned)).toEqual({ id: "acme/base", revision: COMMIT, path });
    }
  });

  it("are addresses only by their beginning", () => {
    for (const location of ["hf:a/b", "https://x/y", "HTTP://x"]) expect(isRemoteLocation(location)).toBe(true);
    for (const location of ["./hf:a", "model", "/hf:a/b", "ftp://x", "C:\\models", "https:/x"]) {
      expect(isRemoteLocation(location)).toBe(false);
    }
  });

  it("have ids of two parts", () => {
    expect(isRepositoryId("a/b")).toBe(true);
    for (const id of ["a", "a/b/c", "a/", "/b", "a/b\n"]) expect(isRepositoryId(id)).toBe(false);
    expect(isIdPart("acme/x")).toBe(false);
  });
});
