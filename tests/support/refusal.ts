import { expect } from "vitest";
import { type ErrorCode, WeightmarkError } from "../../src/errors.ts";

/** Awaits a refusal and returns it; fails when there is none or it has another code. */
export async function refusal(promise: Promise<unknown>, code: ErrorCode): Promise<WeightmarkError> {
  const error = await promise.then(
    () => new Error("nothing was refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof WeightmarkError)) throw error;
  expect(error.code).toBe(code);
  return error;
}
