import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, it } from "vitest";
import type { ErrorReport } from "../../src/report/schemas/index.ts";
import { EXECUTABLE, NODE, runCommand } from "../support/command.ts";
import { digestsBelow } from "../support/raw-model.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { gaussianLlama } from "../support/spread-model.ts";
import { fileOf } from "../support/stored-model.ts";

const KILLER = pathToFileURL(fileURLToPath(new URL("../support/kill-at.mjs", import.meta.url))).href;
const run = promisify(execFile);
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_hidden_layers: 2,
};
const MARK = ["--key", "../key", "--payload", "00c0ffee", "--rho", "0.02", "--unpublished", "--threads", "0", "--json"];
const EMBED = ["watermark", "embed", "../model", "-o", "marked", ...MARK];

/** Runs the command with `kill-at.mjs` in a directory; by what signal it ended. */
async function embed(cwd: string, more: Readonly<Record<string, string>>): Promise<string | null> {
  return run(NODE, ["--import", KILLER, EXECUTABLE, ...EMBED], { cwd, env: { ...process.env, ...more } }).then(
    () => null,
    ({ signal }) => signal as string,
  );
}

const errorOf = ({ stderr }: { readonly stderr: string }) =>
  requireValid<ErrorReport>("error@1", JSON.parse(stderr)).error;

let whole: ReadonlyMap<string, string>;
let log: string[];
beforeAll(async () => {
  mkdirSync(at("model"));
  mkdirSync(at("undisturbed"));
  writeFileSync(at("model", "model.safetensors"), fileOf(gaussianLlama(1, { layers: 2 })));
  writeFileSync(at("model", "config.json"), JSON.stringify(CONFIG));
  expect(await runCommand(["key", "generate", "-o", "key", "--no-passphrase"], { cwd: root })).toMatchObject({
    exitCode: 0,
  });
  expect(await embed(at("undisturbed"), { WEIGHTMARK_KILL_LOG: at("log") })).toBeNull();
  whole = digestsBelow(at("undisturbed"));
  log = JSON.parse(readFileSync(at("log"), "utf8"));
});

it("marks again with the same command after it was killed before any operation", async () => {
  expect([...whole.keys()].sort()).toEqual(["marked.sketch", "marked/config.json", "marked/model.safetensors"]);
  expect(log.length).toBeGreaterThan(12);
  expect(log.at(-1)).toBe("rename");
  // The last of all are what matters most: between the names of the sketch and of the copy.
  const last = log.length;
  for (const kill of new Set([1, 3, Math.round(last / 2), last - 3, last - 2, last - 1, last])) {
    const place = at(`killed-${kill}`);
    mkdirSync(place);
    expect(await embed(place, { WEIGHTMARK_KILL_AT: String(kill) })).toBe("SIGKILL");
    expect(existsSync(join(place, "marked")), `operation ${kill}`).toBe(false);
    const again = await runCommand(EMBED, { cwd: place });
    expect(again, `operation ${kill}: ${again.stderr}`).toMatchObject({ exitCode: 0 });
    expect(digestsBelow(place), `operation ${kill}`).toEqual(whole);
    // What the killed one left is gone as well.
    expect(readdirSync(place).sort()).toEqual(["marked", "marked.sketch"]);
  }
});

it.each(["SIGTERM", "SIGINT"])("leaves nothing when it is sent %s while it writes", async (signal) => {
  for (const at of [2, 6, Math.round((2 * log.length) / 3)]) {
    const place = join(root, `${signal}-${at}`);
    mkdirSync(place);
    expect(await embed(place, { WEIGHTMARK_KILL_AT: String(at), WEIGHTMARK_KILL_SIGNAL: signal })).toBe(signal);
    expect(readdirSync(place)).toEqual([]);
  }
});

it("uses no sketch of another copy, and says what to do", async () => {
  const place = at("other");
  mkdirSync(place);
  const sketch = join(place, "marked.sketch");
  // One of the same key, of a copy with another payload, that was moved elsewhere.
  expect(
    await runCommand(
      EMBED.map((arg) => (arg === "00c0ffee" ? "0badf00d" : arg)),
      { cwd: place },
    ),
  ).toMatchObject({
    exitCode: 0,
  });
  await run("mv", ["marked", "published"], { cwd: place });
  const kept = readFileSync(sketch);
  const refused = await runCommand(EMBED, { cwd: place });
  expect(refused).toMatchObject({ exitCode: 3 });
  expect(errorOf(refused)).toMatchObject({ code: "OUTPUT_EXISTS", file: "marked.sketch" });
  expect(errorOf(refused).detail).toMatch(/another directory/);
  expect(readFileSync(sketch).equals(kept)).toBe(true);
  // Anything else that has the name is refused before the model is read.
  writeFileSync(sketch, "notes");
  expect(errorOf(await runCommand(EMBED, { cwd: place }))).toMatchObject({ code: "OUTPUT_EXISTS" });
  expect(readdirSync(place).sort()).toEqual(["marked.sketch", "published"]);
});

it("says of a copy that is there that it is whole", async () => {
  const again = errorOf(await runCommand(EMBED, { cwd: at("undisturbed") }));
  expect(again).toMatchObject({ code: "OUTPUT_EXISTS", file: "marked" });
  expect(again.detail).toMatch(/when it is whole/);
});
