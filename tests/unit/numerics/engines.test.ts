import { expect, test } from "vitest";
import { engines } from "../../../src/numerics/engines.ts";
import { engineContract } from "./engine.contract.ts";

const all = engines();
for (const status of all) engineContract(status);

test("our own engine comes first and is always there", () => {
  expect(all.map(({ name }) => name)).toEqual(["wasm", "tfjs-node"]);
  expect(all[0]!.engine).not.toBeNull();
});

test("an engine is there, or the reason why not", () => {
  for (const { engine, reason } of all) expect(engine === null).toBe(typeof reason === "string" && reason.length > 0);
});

// The script that builds the optional engine sets this, so that a build that does not load cannot pass as skipped.
test.runIf(process.env.WEIGHTMARK_REQUIRE_TFJS === "1")(
  "tfjs-node loads (only where WEIGHTMARK_REQUIRE_TFJS demands it)",
  () => {
    expect(all[1]!.reason).toBeNull();
  },
);
