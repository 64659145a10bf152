/**
 * Draws what the exact tests gave on strangers against what they should give: quantiles of z against the normal's, one SVG a test.
 *
 *   node benchmarks/deep-plots.mjs DIRECTORY ROWS.json...
 *
 * ROWS.json: what benchmarks/deep.mjs wrote with --json. A straight line along the diagonal is a standard normal.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SIZE = 480;
const MARGIN = 48;
const LIMIT = 4.5;
/** Points are thinned in the middle, where thousands lie on one another; the hundred at either end are all drawn. */
const ENDS = 100;
const MOST = 400;

const [directory, ...files] = process.argv.slice(2);
if (files.length === 0) throw new Error("name a directory and files of rows");
const tests = new Map();
for (const { truth, nulls = [] } of files.flatMap((file) => JSON.parse(readFileSync(file, "utf8")))) {
  if (truth !== "stranger") continue;
  for (const { test, z } of nulls) {
    if (z === null) continue;
    if (!tests.has(test)) tests.set(test, []);
    tests.get(test).push(z);
  }
}
mkdirSync(directory, { recursive: true });
for (const [test, z] of tests) {
  const name = `${test.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.svg`;
  writeFileSync(
    join(directory, name),
    plotOf(
      test,
      z.sort((x, y) => x - y),
    ),
  );
  console.log(`${name}: ${z.length} draws`);
}

function plotOf(title, z) {
  const at = (value) => MARGIN + ((value + LIMIT) / (2 * LIMIT)) * (SIZE - 2 * MARGIN);
  const shown = (value) => at(Math.max(-LIMIT, Math.min(LIMIT, value))).toFixed(1);
  const flipped = (value) => (SIZE - Number(shown(value))).toFixed(1);
  const step = Math.max(1, Math.floor(z.length / MOST));
  const points = z.flatMap((value, i) => {
    if (i >= ENDS && i < z.length - ENDS && i % step !== 0) return [];
    const expected = normalQuantile((i + 0.5) / z.length);
    return [`<circle cx="${shown(expected)}" cy="${flipped(value)}" r="2"/>`];
  });
  const ticks = [-4, -2, 0, 2, 4].map(
    (tick) =>
      `<text x="${shown(tick)}" y="${SIZE - MARGIN + 18}" text-anchor="middle">${tick}</text>` +
      `<text x="${MARGIN - 8}" y="${Number(flipped(tick)) + 4}" text-anchor="end">${tick}</text>`,
  );
  const [low, high] = [MARGIN, SIZE - MARGIN];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}" font-family="sans-serif" font-size="12" fill="#333">
<title>${title}: ${z.length} draws of strangers</title>
<rect width="${SIZE}" height="${SIZE}" fill="#fff"/>
<path d="M${low} ${high}H${high}M${low} ${high}V${low}" stroke="#333" fill="none"/>
<path d="M${low} ${high}L${high} ${low}" stroke="#999" stroke-dasharray="4 4"/>
${ticks.join("\n")}
<text x="${SIZE / 2}" y="20" text-anchor="middle" font-size="14">${title}: ${z.length} draws</text>
<text x="${SIZE / 2}" y="${SIZE - 8}" text-anchor="middle">quantiles of a standard normal</text>
<text transform="translate(14 ${SIZE / 2}) rotate(-90)" text-anchor="middle">z of strangers</text>
<g fill="#1f6feb">
${points.join("\n")}
</g>
</svg>
`;
}

/** By bisection: accurate to what a picture shows. */
function normalQuantile(p) {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return low;
}

/** Abramowitz and Stegun 7.1.26: 1.5e-7 at most from the true one. */
function normalCdf(x) {
  const t = 1 / (1 + 0.3275911 * (Math.abs(x) / Math.SQRT2));
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (poly * Math.exp((-x * x) / 2)) / 2;
  return x > 0 ? 1 - tail : tail;
}
