import { afterEach, beforeEach, vi } from "vitest";

export interface CapturedOutput {
  stdout: string;
  stderr: string;
}

/** What every test of the calling file writes to the streams of its process, which stay silent. */
export function capturedOutput(): CapturedOutput {
  const output: CapturedOutput = { stdout: "", stderr: "" };
  beforeEach(() => {
    for (const name of ["stdout", "stderr"] as const) {
      output[name] = "";
      vi.spyOn(process[name], "write").mockImplementation((...call: unknown[]) => {
        output[name] += call[0];
        const done = call.at(-1);
        if (typeof done === "function") done();
        return true;
      });
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return output;
}
