import { testComponent } from "../../dist/src/lineage/component-test.js";
import { fixedPoints } from "../../dist/src/lineage/fixed-points.js";
import { gram, stackInner } from "../../dist/src/lineage/sign-stack.js";
import { stouffer } from "../../dist/src/numerics/combine.js";

/**
 * The sign rows of a model, one stack per test, with the Gram matrix that T1's variance needs: that depends on one model
 * only, and with it a pair costs a few milliseconds.
 */
export function prepare(fingerprint) {
  const layers = fingerprint.sketches.filter((s) => s.layer >= 0);
  if (fingerprint.sketches.some((s) => !s.valid.every(Boolean))) throw new Error("a sketch has unusable rows");
  const down = layers.filter((s) => s.role === "down");
  return {
    fingerprint,
    residual: stackOf(layers.filter((s) => s.axis === "residual")),
    neurons: down.map((s) => stackOf([s])),
    embeddings: stackOf(fingerprint.sketches.filter((s) => s.tokens).slice(0, 1)),
  };
}

function stackOf(sketches) {
  const n = sketches[0].cols;
  const words = Math.ceil(n / 32);
  const bits = Uint32Array.from(sketches.flatMap((s) => [...s.bits]));
  const size = { m: bits.length / words, n, words };
  return { ...size, bits, gram: gram(bits, size), key: sketches.map((s) => `${s.layer}/${s.role}/${s.rows}`).join() };
}

/**
 * T1's z on the residual axis, on the neuron axis (Stouffer over layers) and of the embeddings; T2 on the residual axis.
 * The same statistics as `testComponent`, which `checkAgainstLibrary` proves pair by pair.
 */
export function testPair(suspect, base) {
  const t2 = fixedPoints(pairStack(suspect.residual, base.residual));
  return {
    residual: zOf(suspect.residual, base.residual),
    neurons: stouffer(base.neurons.map((stack, i) => zOf(suspect.neurons[i], stack))),
    embeddings: zOf(suspect.embeddings, base.embeddings),
    fixed: t2?.fixed ?? null,
    fixedLog10P: t2?.log10P ?? 0,
  };
}

function zOf(suspect, base) {
  if (suspect.key !== base.key) throw new Error("the models of a group must have one layout");
  let trace = 0;
  for (let i = 0; i < base.gram.length; i++) trace += suspect.gram[i] * base.gram[i];
  return stackInner(pairStack(suspect, base)).centred / Math.sqrt(trace / (base.n - 1));
}

function pairStack(suspect, base) {
  return { m: base.m, n: base.n, words: base.words, a: base.bits, b: suspect.bits };
}

/** Throws unless the library's own tests give the same figures for a pair. */
export function checkAgainstLibrary(suspect, base) {
  const found = testPair(suspect, base);
  const pairs = base.fingerprint.sketches.map((b, i) => ({ suspect: suspect.fingerprint.sketches[i], base: b }));
  const options = { component: "any", monteCarlo: false, excluded: new Set() };
  const body = testComponent(
    pairs.filter((p) => p.base.layer >= 0),
    options,
  );
  const tokens = testComponent(pairs.filter((p) => p.base.tokens).slice(0, 1), options);
  const z = (tested, axis) => tested.tests.find((t) => t.name === "T1" && t.axis === axis).z;
  const same = (a, b) => Math.abs(a - b) < 1e-9 * (1 + Math.abs(a));
  if (
    !same(found.residual, z(body, "residual")) ||
    !same(found.neurons, z(body, "neurons")) ||
    !same(found.embeddings, z(tokens, "residual")) ||
    found.fixed !== (body.tests.find((t) => t.name === "T2")?.fixedPoints ?? null)
  ) {
    throw new Error("these figures are not the library's");
  }
}

/** Whether a model has what these tests are about: layers with neurons, and a token table. */
export function isStack({ sketches }) {
  return sketches.some((s) => s.layer >= 0 && s.role === "down") && sketches.some((s) => s.tokens);
}
