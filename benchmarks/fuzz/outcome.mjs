import { describeFailure } from "../../dist/src/cli/failure.js";
import { ERRORS, WeightmarkError } from "../../dist/src/errors.js";
import { mustBePlain, parsedJson, Skipped, Violation } from "./invariant.mjs";

/** The kind of what only a fault of the program itself can bring about. */
const BUG = "bug";
/** The sort of find where a target made no input. */
export const NO_INPUT = "no input";
const MAX_MESSAGE = 600;

/**
 * What became of one input: accepted, refused by a code, skipped, or a find.
 *
 * @returns `{ kind, code?, message? }`; of a find `code` is its sort
 */
export async function outcomeOf(target, bytes) {
  try {
    await target.check(bytes);
    return { kind: "accepted" };
  } catch (error) {
    if (error instanceof Skipped) return { kind: "skipped" };
    if (error instanceof Violation) return find("invariant", error);
    if (!(error instanceof WeightmarkError)) return find("uncaught", error);
    if (!Object.hasOwn(ERRORS, error.code)) return find("no stable code", error);
    if (error.message === "" || error.detail === "") return find("says nothing", error);
    if (error.kind === BUG) return find("uncaught", error);
    return printed(error) ?? { kind: "refused", code: error.code };
  }
}

/** Null where what is printed of a refusal is safe to print: it may hold names that the input chose. */
function printed(error) {
  try {
    for (const json of [false, true]) {
      const { text } = describeFailure(error, { json, verbose: true, redact: (shown) => shown });
      mustBePlain(text, "a refusal");
      if (json) parsedJson(text, "a refusal in JSON");
    }
    return null;
  } catch (violation) {
    return find("invariant", violation);
  }
}

/** Where it was thrown tells one fault from another. */
function find(code, error) {
  const text = error instanceof Error ? (error.stack ?? String(error)) : `thrown: ${String(error)}`;
  const lines = text
    .split("\n")
    .map((line) => line.trim().replace(/\(?file:\/\/.*?\/(?=dist|benchmarks|node_modules)/, "("));
  return { kind: "find", code, message: lines.slice(0, 5).join(" ").slice(0, MAX_MESSAGE) };
}
