import { describe, expect, it } from "vitest";
import { recogniseForeignFile } from "../../../src/formats/foreign-file.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("recogniseForeignFile", () => {
  it.each([
    ["version https://git-lfs.github.com/spec/v1\n", "GIT_LFS_POINTER"],
    ["version https://hawser.github.com/spec/v1\n", "GIT_LFS_POINTER"],
    ["\n <html lang='en'>", "HTML_PAGE"],
    ["\xef\xbb\xbf<!DOCTYPE HTML>", "HTML_PAGE"],
    ['<?xml version="1.0"?><Error>', "HTML_PAGE"],
    ["Invalid username or password.", "TEXT_FILE"],
    ["\x1f\x8b\x08", "COMPRESSED_FILE"],
    ["\xfd7zXZ\x00", "COMPRESSED_FILE"],
    ["BZh91AY", "COMPRESSED_FILE"],
    ["PK\x03\x04", "UNSUPPORTED_CONTAINER"],
    ["\x80\x04\x95\x00", "UNSUPPORTED_CONTAINER"],
    ["\x80\x02}q\x00", "UNSUPPORTED_CONTAINER"],
    ["\x00\x00\x00\x00TFL3", "UNSUPPORTED_CONTAINER"],
    ["GGUF\x03\x00\x00\x00", "UNSUPPORTED_CONTAINER"],
  ])("%j is a %s", (head, code) => {
    expect(recogniseForeignFile(latin1(head))?.code).toBe(code);
  });

  it.each([
    "",
    "short",
    "\x80",
    "\x80\x02",
    "\x80\x06}",
    "\x80\x02\x00",
    "\x08\x00\x00\x00\x00\x00\x00\x00{}",
    "text \x00 with NUL",
  ])("%j is nothing known", (head) => {
    expect(recogniseForeignFile(latin1(head))).toBeNull();
  });
});
