import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprint as fingerprintCheckpoint, openCheckpoint, serializeFingerprint } from "../../dist/src/index.js";
import { openRegistry } from "../../dist/src/registry/index.js";
import { runNode } from "../support/process.mjs";
import { fillGaussian, uniform, xorshift } from "../support/random.mjs";
import { interleave, median, round } from "../support/statistics.mjs";

const CLI = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));
/** Share of sign bits that differ between the suspect and its base: about a cosine of .988. */
const FLIPPED = 0.05;

/**
 * compare on two fingerprint files, and identify against `bases` registered bases, each in a process of its own. The
 * bases have the model's layout and sign bits drawn at random; the suspect is one of them with some bits flipped.
 */
export async function measureLineage(model, work, { rounds, bases }) {
  const template = await templateOf(model);
  const directory = join(work, "registry");
  if (existsSync(directory)) rmSync(directory, { recursive: true });
  const registry = await openRegistry(directory, { create: true });
  for (let i = 0; i < bases; i++) await registry.add(drawn(template, i + 1), { name: `base ${i}`, root: true });

  const file = (name, fingerprint) => {
    const path = join(work, `${name}.safetensors`);
    writeFileSync(path, serializeFingerprint(fingerprint));
    return path;
  };
  const base = drawn(template, Math.ceil(bases / 2));
  const paths = {
    base: file("base", base),
    related: file("related", flipped(base, FLIPPED)),
    stranger: file("stranger", drawn(template, bases + 1)),
  };
  const rss = [];
  const command = async (...args) => {
    const { seconds, cpuSeconds, stdout, rssBytes } = await runNode([CLI, ...args, "--json", "--no-progress"]);
    rss.push(rssBytes);
    return { seconds, cpuSeconds, verdict: JSON.parse(stdout).verdict };
  };
  const runs = await interleave(rounds, {
    compareRelated: () => command("compare", paths.related, paths.base),
    compareStranger: () => command("compare", paths.stranger, paths.base),
    identifyRelated: () => command("identify", paths.related, "--registry", directory),
    identifyStranger: () => command("identify", paths.stranger, "--registry", directory),
  });
  const figures = {};
  for (const [name, results] of runs) {
    figures[name] = {
      seconds: round(median(results.map((r) => r.seconds))),
      cpuSeconds: round(median(results.map((r) => r.cpuSeconds))),
      verdict: results[0].verdict,
    };
  }
  return {
    rounds,
    bases,
    fingerprintMb: round(serializeFingerprint(base).length / 1e6),
    ...figures,
    peakRssMb: peak(rss),
  };
}

const peak = (bytes) => Math.round(Math.max(...bytes) / 1e6);

async function templateOf(model) {
  const checkpoint = await openCheckpoint(model);
  try {
    return trained(await fingerprintCheckpoint(checkpoint));
  } finally {
    await checkpoint.close();
  }
}

/** Strong directions per slice: with fewer a model does not pass for trained. */
const DIRECTIONS = 6;

/** Random weights show no training; a few strong directions per slice make them pass for trained. */
function trained(fingerprint) {
  const random = xorshift(7);
  const slices = fingerprint.slices.map((slice) => {
    const drawn = (length) => Array.from({ length: DIRECTIONS }, () => fillGaussian(new Float32Array(length), random));
    const [u, v] = [drawn(slice.height), drawn(slice.width)];
    const q = slice.q.map((x, k) => {
      let learned = 0;
      for (let d = 0; d < DIRECTIONS; d++) learned += u[d][Math.floor(k / slice.width)] * v[d][k % slice.width];
      return Math.max(-127, Math.min(127, Math.round(0.6 * x + 10 * learned)));
    });
    return { ...slice, q };
  });
  return { ...fingerprint, slices };
}

/** An unrelated model of the same layout: all sign bits and digests anew. */
function drawn(template, seed) {
  const random = xorshift(seed);
  return variant(template, random, (bits) => bits.map(() => random()));
}

/** A relative: each sign bit differs with probability `share`. */
function flipped(template, share) {
  const random = xorshift(99_991);
  const flips = () => {
    let word = 0;
    for (let b = 0; b < 32; b++) if (uniform(random) < share) word |= 1 << b;
    return word;
  };
  return variant(template, random, (bits) => bits.map((word) => (word ^ flips()) >>> 0));
}

function variant(template, random, redraw) {
  const hex = (digits) => {
    let text = "";
    while (text.length < digits) text += random().toString(16).padStart(8, "0");
    return text.slice(0, digits);
  };
  return {
    ...template,
    roots: { content: null, sampled: hex(64), stored: hex(64) },
    tensors: template.tensors.map((t) => {
      const digest = hex(32);
      return { ...t, values: t.values === null ? null : { f32: digest, f16: hex(32), bf16: digest } };
    }),
    sketches: template.sketches.map((s) => {
      const digest = hex(32);
      return { ...s, bits: redraw(s.bits), digest: { f32: digest, f16: hex(32), bf16: digest } };
    }),
  };
}
