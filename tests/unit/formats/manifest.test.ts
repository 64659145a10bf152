import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseManifest } from "../../../src/formats/manifest.ts";

const SCHEMA = z.object({ version: z.literal(1), layers: z.array(z.object({ rows: z.number("no number") })) });

const parse = (text: string) => parseManifest(SCHEMA, text, (why, cause) => new Error(why, { cause }));
function refused(text: string): Error {
  try {
    parse(text);
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was refused");
}

describe("a manifest", () => {
  it("is read where it fits its schema", () => {
    expect(parse('{"version": 1, "layers": [{"rows": 5}]}')).toEqual({ version: 1, layers: [{ rows: 5 }] });
  });

  it.each(["", "{", "{'version': 1}"])("is refused where it is no JSON, with what the parser says: %j", (text) => {
    const error = refused(text);
    expect(error.message).toBe("its manifest is not JSON");
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it("is refused with the place that does not fit, and why", () => {
    const error = refused('{"version": 1, "layers": [{"rows": 5}, {"rows": "6"}]}');
    expect(error.message).toBe("its manifest is wrong at layers.1.rows: no number");
    expect(error.cause).toBeUndefined();
    expect(refused("[]").message).toMatch(/^its manifest is wrong at : ./);
  });
});
