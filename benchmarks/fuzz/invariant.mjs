import { posix, win32 } from "node:path";
import { isDeepStrictEqual } from "node:util";

/** Something that must hold whatever the input is, and does not. */
export class Violation extends Error {
  name = "Violation";
}

/** An input that a target cannot make anything of: it says nothing, neither good nor bad. */
export class Skipped extends Error {
  name = "Skipped";
}

export function must(holds, what) {
  if (!holds) throw new Violation(what);
}

export function mustEqual(got, wanted, what) {
  must(isDeepStrictEqual(got, wanted), `${what}: ${shown(got)} is not ${shown(wanted)}`);
}

function shown(value) {
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}

/** A name that was accepted as a path must stay below the directory it is for, on any system, decoded or not. */
export function mustStayInside(name, what) {
  let decoded = name;
  for (let times = 0; times < 3; times++) {
    const here = posix.relative("/a/b", posix.resolve("/a/b", decoded));
    must(!isAbove(here), `${what} leaves its directory: ${shown(name)}`);
    const there = win32.relative("C:\\a\\b", win32.resolve("C:\\a\\b", decoded));
    must(!isAbove(there) && !win32.isAbsolute(there), `${what} leaves its directory on Windows: ${shown(name)}`);
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      return;
    }
  }
}

function isAbove(path) {
  return /^\.\.(?:[/\\]|$)/.test(path);
}

/** What a terminal acts on, or what makes one text look like another. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const ESCAPE = String.fromCharCode(27);
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g");

/** @param colour whether the colours of a terminal may stand in it */
export function mustBePlain(text, what, colour = false) {
  const [found] = UNSAFE.exec((colour ? text.replace(COLOUR, "") : text).replaceAll("\n", "")) ?? [];
  must(found === undefined, `${what} holds U+${found?.codePointAt(0).toString(16)}`);
}

export function parsedJson(text, what) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Violation(`${what} is no JSON: ${error.message}`);
  }
}

/** A URI reference (RFC 3986); a relative one leads to nothing that does not lie below what it is held against. */
export function mustBeReference(uri, what) {
  must(/^[!-~]*$/.test(uri), `${what} holds a URI of other characters: ${shown(uri)}`);
  must(!/%(?![0-9A-Fa-f]{2})/.test(uri), `${what} holds a URI that is wrongly encoded: ${shown(uri)}`);
  must(URL.canParse(uri, "file:///a/b/"), `${what} holds what is no URI: ${shown(uri)}`);
  const isRelative = !/^[a-z][a-z0-9+.-]*:/i.test(uri);
  must(
    !isRelative || new URL(uri, "https://a.test/b/c/").href.startsWith("https://a.test/b/c/"),
    `${what} holds a URI that leads out: ${shown(uri)}`,
  );
}
