/**
 * Kills `watermark embed` at random moments, and marks again with the same command.
 *
 *   node benchmarks/kill-embed.mjs [--kills 60] [--work DIRECTORY] [--seed N] [--layers 4] [--width 1024] [--threads 2]
 *
 * A copy is either whole, to the byte, or not there; the next run needs nothing to be cleared away, makes the same bytes, and
 * leaves nothing but the copy and its sketch. Prints JSON: how often the kill came before there was anything, while a copy was
 * being written, between the names of sketch and copy, and behind the end. Exit code 1 when anything else was found.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const COMMAND = fileURLToPath(new URL("../bin/weightmark.js", import.meta.url));
const MAKER = fileURLToPath(new URL("./make-model.mjs", import.meta.url));

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "60" },
    work: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    layers: { type: "string", default: "4" },
    width: { type: "string", default: "1024" },
    threads: { type: "string", default: "2" },
  },
});
const work = mkdtempSync(join(values.work ?? tmpdir(), "weightmark-kills-"));
const at = (...path) => join(work, ...path);
const mark = ["--key", at("key"), "--unpublished", "--threads", values.threads, "--no-progress", "--json"];
const EMBED = [COMMAND, "watermark", "embed", at("model"), "-o", "marked", ...mark];

let state = Number(values.seed) >>> 0;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Relative paths and digests of all files below a directory. */
function digestsOf(directory) {
  const paths = readdirSync(directory, { recursive: true }).filter((path) => statSync(join(directory, path)).isFile());
  const digest = (path) =>
    createHash("sha256")
      .update(readFileSync(join(directory, path)))
      .digest("hex");
  return JSON.stringify(paths.sort().map((path) => [path, digest(path)]));
}

/** Runs the command and kills it after so many milliseconds; its exit code, null when it was killed. */
async function embed(cwd, killAfter = null) {
  const child = spawn(process.execPath, EMBED, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const ended = new Promise((done) => child.once("close", (code) => done({ code, said })));
  if (killAfter !== null) {
    await Promise.race([ended, sleep(killAfter)]);
    child.kill("SIGKILL");
  }
  return ended;
}

try {
  const size = ["--layers", values.layers, "--width", values.width, "--ffn", String(2 * Number(values.width))];
  execFileSync(process.execPath, [MAKER, at("model"), ...size, "--heads", "8", "--vocabulary", "8000"]);
  execFileSync(process.execPath, [COMMAND, "key", "generate", "-o", at("key"), "--no-passphrase"], { stdio: "ignore" });
  mkdirSync(at("whole"));
  const began = performance.now();
  const undisturbed = await embed(at("whole"));
  if (undisturbed.code !== 0) throw new Error(undisturbed.said);
  let longest = performance.now() - began;
  const whole = digestsOf(at("whole"));
  const found = { before: 0, writing: 0, between: 0, done: 0 };
  const wrong = [];
  for (let kill = 0; kill < Number(values.kills); kill++) {
    const place = at(`kill-${kill}`);
    mkdirSync(place);
    const after = random() * longest * 1.05;
    await embed(place, after);
    const names = readdirSync(place);
    const isDone = existsSync(join(place, "marked"));
    if (isDone) found.done += 1;
    else if (names.includes("marked.sketch")) found.between += 1;
    else if (names.length > 0) found.writing += 1;
    else found.before += 1;
    if (isDone && digestsOf(place) !== whole) wrong.push(`${kill}: a copy that is not whole after ${after} ms`);
    const restarted = performance.now();
    const again = await embed(place);
    // Machines that are busy now and then are as slow as they were last.
    if (again.code === 0) longest = performance.now() - restarted;
    const isRight = isDone ? again.code === 3 && /OUTPUT_EXISTS/.test(again.said) : again.code === 0;
    if (!isRight) wrong.push(`${kill}: exit code ${again.code}, ${again.said}`);
    else if (digestsOf(place) !== whole) wrong.push(`${kill}: ${readdirSync(place).join(", ")} after ${after} ms`);
    rmSync(place, { recursive: true });
  }
  process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), kills: Number(values.kills), found, wrong })}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
