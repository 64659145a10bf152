import { ERRORS, WeightmarkError } from "../../dist/src/errors.js";
import { Skipped, Violation } from "./invariant.mjs";

/** Exit code of what only a fault of the program itself can bring about. */
const BUG = 70;
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
    if (error.exitCode === BUG) return find("uncaught", error);
    return { kind: "refused", code: error.code };
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
