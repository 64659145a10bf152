import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { NODE } from "../../support/command.ts";

const POOL = new URL("../../../dist/src/threads/pool.js", import.meta.url).href;

/** Ends threads at every moment of their start: one that was loading its code by `require` took the process along. */
const SCRIPT = `
  import { setTimeout } from "node:timers/promises";
  import { openPool } from ${JSON.stringify(POOL)};
  for (let round = 0; round < 360; round++) {
    const pool = await openPool("editTensors", { threads: 2 });
    for (const task of [{}, {}]) pool.run(task).catch(() => undefined);
    await setTimeout(round % 90);
    await pool.close();
  }
  console.log("alive");
`;

test("threads that are ended while they load do not end the process", async () => {
  const { stdout } = await promisify(execFile)(NODE, ["--input-type=module", "--eval", SCRIPT]);
  expect(stdout).toBe("alive\n");
});
