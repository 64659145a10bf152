import { expect, it } from "vitest";
import type { LogFields } from "../../../src/cli/scan/log.ts";
import { logEvent } from "../../../src/cli/worker/log-event.ts";
import { ERRORS, WeightmarkError } from "../../../src/errors.ts";

it("the log of a worker says what to do about trouble", () => {
  const lines: (LogFields | undefined)[] = [];
  const log = { write: (_level: string, _event: string, fields?: LogFields) => void lines.push(fields) };
  const error = new WeightmarkError("WRITE_FAILED", "no space", { file: "/cache" });
  logEvent(log, { type: "trouble", error });
  logEvent(log, { type: "declined", scan: "s", error });
  const told = { code: "WRITE_FAILED", message: "no space", detail: ERRORS.WRITE_FAILED.advice, file: "/cache" };
  expect(lines).toEqual([told, { scan: "s", ...told }]);
});
