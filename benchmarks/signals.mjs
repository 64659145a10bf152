/**
 * How long every command takes to end on SIGTERM and SIGINT, whatever it is at, and what it leaves.
 *
 *   node benchmarks/signals.mjs [--rounds 5] [--work DIRECTORY] [--seed N] [--only TEXT] [--layers 24] [--width 1024]
 *
 * Each command first runs undisturbed, or for --longest seconds; then it is sent a signal at a random moment of that time, again
 * and again. The models come from make-model.mjs: 0.7 GB each, in --work, which is emptied in the end. Prints JSON: the
 * longest wait of each command in milliseconds, and the names that were left in its directory. Exit code 1 when one took more
 * than two seconds or left something half-written.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const COMMAND = fileURLToPath(new URL("../bin/weightmark.js", import.meta.url));
const MAKER = fileURLToPath(new URL("./make-model.mjs", import.meta.url));
const LIMIT_MS = 2000;
/** Killed then: a command that is deaf must not hold up the rest. */
const DEAF_MS = 60_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    work: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    only: { type: "string", default: "" },
    layers: { type: "string", default: "24" },
    width: { type: "string", default: "1024" },
    longest: { type: "string", default: "20" },
  },
});
const work = mkdtempSync(join(values.work ?? tmpdir(), "weightmark-signals-"));
const at = (...path) => join(work, ...path);
const env = { ...process.env, WEIGHTMARK_REGISTRY: at("bases"), HF_HUB_DISABLE_TELEMETRY: "1" };
delete env.WEIGHTMARK_PASSPHRASE;

/** A server that takes every request and answers none. */
const silent = createServer(() => {}).listen(0, "127.0.0.1");
await new Promise((done) => silent.once("listening", done));
const hub = { HF_ENDPOINT: `http://127.0.0.1:${silent.address().port}`, HF_HUB_CACHE: at("none") };

let state = Number(values.seed) >>> 0;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Runs a command in a directory of its own; `stop` is when it is sent the signal, in seconds. */
async function run({ args, more = {}, input = "ignore", bare = false }, stop, signal) {
  const cwd = mkdtempSync(at("run-"));
  const child = spawn(process.execPath, [COMMAND, ...args, ...(bare ? [] : ["--no-progress"])], {
    cwd,
    env: { ...env, ...more },
    stdio: [input, "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-2000);
  });
  const began = performance.now();
  const ended = new Promise((done) => child.once("exit", (code, by) => done({ code, by })));
  const first = await Promise.race([ended, sleep(1000 * stop)]);
  if (first !== undefined) return { cwd, said, ...first, seconds: (performance.now() - began) / 1000, waited: null };
  const sent = performance.now();
  child.kill(signal);
  const deaf = setTimeout(() => child.kill("SIGKILL"), DEAF_MS);
  const end = await ended;
  clearTimeout(deaf);
  return { cwd, said, ...end, seconds: stop, waited: performance.now() - sent };
}

function model(name, seed) {
  const size = [
    "--layers",
    values.layers,
    "--width",
    values.width,
    "--ffn",
    String(Math.round(2.75 * Number(values.width))),
  ];
  execFileSync(process.execPath, [
    MAKER,
    at(name),
    ...size,
    "--seed",
    String(seed),
    "--heads",
    "8",
    "--vocabulary",
    "16000",
  ]);
}

function prepare() {
  model("a", 1);
  model("b", 2);
  const command = (...args) => execFileSync(process.execPath, [COMMAND, ...args], { cwd: work, env, stdio: "ignore" });
  command("registry", "add", "a", "b", "--root");
  command("registry", "export", "-o", "archive");
  command("fingerprint", "a", "-o", "a.fp");
  command("fingerprint", "b", "-o", "b.fp");
  command("key", "generate", "-o", "key", "--no-passphrase");
  writeFileSync(at("passphrase"), "open sesame\n");
  command("key", "generate", "-o", "sealed", "--passphrase-file", "passphrase");
  command("watermark", "embed", "b", "-o", "marked", "--key", "key", "--unpublished");
  execFileSync("mkfifo", [at("fifo")]);
  mkdirSync(at("many"));
  for (let i = 0; i < 6; i++) cpSync(at(i % 2 === 0 ? "a" : "b"), at("many", `m${i}`), { recursive: true, mode: 0 });
  writeFileSync(at("text"), "a".repeat(100_000).concat("!"));
  const pattern = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false };
  for (const name of ["a", "b"]) {
    const tokenizer = {
      version: "1.0",
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: pattern,
      post_processor: null,
      decoder: null,
      model: { type: "WordLevel", vocab: { "<unk>": 0 }, unk_token: "<unk>" },
    };
    writeFileSync(at(name, "tokenizer.json"), JSON.stringify(tokenizer));
  }
  writeFileSync(at("ids"), JSON.stringify(Array.from({ length: 4000 }, (_, i) => (i * i) % 1000)));
}

const mark = ["--key", at("key")];
const COMMANDS = {
  inspect: { args: ["inspect", at("a")] },
  "fingerprint, sampled": { args: ["fingerprint", at("a"), "-o", "out"] },
  "fingerprint, full": { args: ["fingerprint", at("a"), "--depth", "full", "-o", "out"] },
  "fingerprint, full, no threads": { args: ["fingerprint", at("a"), "--depth", "full", "--threads", "0", "-o", "out"] },
  "fingerprint of a silent server": { args: ["fingerprint", "hf:acme/model", "-o", "out"], more: hub },
  "compare, models": { args: ["compare", at("a"), at("b")] },
  "compare, marked": { args: ["compare", at("marked"), at("b")] },
  "compare, fingerprints": { args: ["compare", at("a.fp"), at("b.fp")] },
  identify: { args: ["identify", at("a")] },
  "registry add": { args: ["registry", "add", at("a"), "--depth", "full", "--registry", "r"], left: ["r"] },
  "registry list": { args: ["registry", "list"] },
  "registry verify": { args: ["registry", "verify"] },
  "registry export": { args: ["registry", "export", "-o", "out"] },
  "registry import": { args: ["registry", "import", at("archive"), "--registry", "r"], left: ["r"] },
  "watermark capacity": { args: ["watermark", "capacity", at("a")] },
  "watermark embed": { args: ["watermark", "embed", at("a"), "-o", "out", ...mark, "--unpublished"] },
  "watermark embed, no threads": {
    args: ["watermark", "embed", at("a"), "-o", "out", ...mark, "--unpublished", "--threads", "0"],
  },
  "watermark embed, derivative": { args: ["watermark", "embed", at("a"), "-o", "out", ...mark, "--base", at("b")] },
  "watermark verify": { args: ["watermark", "verify", at("marked"), ...mark] },
  "watermark verify, no threads": { args: ["watermark", "verify", at("marked"), ...mark, "--threads", "0"] },
  "watermark verify, sketch": {
    args: ["watermark", "verify", at("marked"), ...mark, "--reference", at("marked.sketch")],
  },
  "watermark verify, derivative": { args: ["watermark", "verify", at("marked"), ...mark, "--base", at("b")] },
  "watermark verify, passphrase that never comes": {
    args: ["watermark", "verify", at("a"), "--key", at("sealed"), "--passphrase-file", at("fifo")],
  },
  "quality, token ids": { args: ["quality", at("a"), at("marked"), "--token-ids", at("ids")] },
  "quality, no threads": { args: ["quality", at("a"), at("marked"), "--token-ids", at("ids"), "--threads", "0"] },
  "quality, a pattern without end": { args: ["quality", at("a"), at("b"), "--text", at("text")] },
  scan: { args: ["scan", at("many"), "--journal", "j", "--no-cache"], left: ["j"] },
  "scan, no threads": { args: ["scan", at("many"), "--journal", "j", "--no-cache", "--jobs", "0"], left: ["j"] },
  "scan, keys": {
    args: ["scan", at("many"), "--journal", "j", "--no-cache", "--watermark-keys", at("keys")],
    left: ["j"],
  },
  "scan, full": { args: ["scan", at("many"), "--journal", "j", "--no-cache", "--depth", "full"], left: ["j"] },
  "scan of a silent server": {
    args: ["scan", "hf:acme/model", "hf:acme/other", "--journal", "j", "--no-cache"],
    more: hub,
    left: ["j"],
  },
  "scan of a silent organisation": { args: ["scan", "--hub-org", "acme", "--journal", "j"], more: hub, left: ["j"] },
  "scan of a list that never ends": { args: ["scan", "--list", "-", "--journal", "j"], input: "pipe", left: ["j"] },
  "key generate": { args: ["key", "generate", "-o", "out", "--passphrase-file", at("passphrase")], bare: true },
  doctor: { args: ["doctor"], bare: true },
  completion: { args: ["completion", "bash"], bare: true },
};

async function measure() {
  const report = {};
  for (const [name, command] of Object.entries(COMMANDS)) {
    if (!name.includes(values.only)) continue;
    const undisturbed = await run(command, Number(values.longest), "SIGKILL");
    if (undisturbed.waited === null && undisturbed.code > 1 && undisturbed.code !== 4) {
      process.stderr.write(`${name}: ${undisturbed.said}\n`);
    }
    const waits = [];
    const ends = new Set();
    const left = new Set();
    for (let round = 0; round < Number(values.rounds); round++) {
      const result = await run(command, random() * undisturbed.seconds, round % 2 === 0 ? "SIGTERM" : "SIGINT");
      if (result.waited !== null) {
        waits.push(Math.round(result.waited));
        ends.add(String(result.by ?? result.code));
        for (const one of readdirSync(result.cwd, { recursive: true })) {
          if (/\.tmp|lock/.test(one) || !(command.left ?? []).includes(one.split("/")[0])) left.add(one);
        }
      }
      rmSync(result.cwd, { recursive: true, force: true });
    }
    rmSync(undisturbed.cwd, { recursive: true, force: true });
    const ms = waits.length === 0 ? null : Math.max(...waits);
    report[name] = {
      seconds: Number(undisturbed.seconds.toFixed(1)),
      signals: waits.length,
      ms,
      ends: [...ends],
      left: [...left],
    };
    process.stderr.write(`${name}: ${JSON.stringify(report[name])} ${JSON.stringify(waits)}\n`);
  }
  return report;
}

try {
  process.stderr.write(`seed ${values.seed}\n`);
  prepare();
  mkdirSync(at("keys"));
  cpSync(at("key"), at("keys", "key"));
  const report = await measure();
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
  const bad = Object.values(report).some(({ ms, left }) => ms > LIMIT_MS || left.length > 0);
  process.exitCode = bad ? 1 : 0;
} finally {
  silent.closeAllConnections();
  silent.close();
  rmSync(work, { recursive: true, force: true });
}
