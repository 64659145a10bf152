import { formatNumber, formatP } from "../numbers.ts";
import { layerBands } from "../text/layer-bands.ts";
import { moreText, paragraph, section, table } from "./blocks.ts";
import type { Comparison } from "./comparison.ts";
import { type Html, html, named } from "./markup.ts";
import { heatMap, MOST_CELLS_A_SIDE } from "./pictures/heat-map.ts";
import { figures } from "./pictures/picture.ts";

const MOST_ROWS = 512;
const MOST_MAPS = 6;

/** Which layer of the suspect was found in which of the base, and how much matrices drifted. */
export function layerMaps(report: Comparison): Html | null {
  const { layers } = report;
  const drifts = driftMaps(report);
  if (layers.length === 0 && drifts.length === 0) return null;
  const names = [...new Set(layers.map(({ component }) => component))];
  const maps = names.slice(0, MOST_MAPS).map((name) =>
    layerMap(
      name,
      layers.filter(({ component }) => component === name),
    ),
  );
  const bands = layerBands(layers);
  const rows = layers
    .slice(0, MOST_ROWS)
    .map(({ component, suspect, base, log10P, agreement }) => [
      named(component),
      suspect,
      base ?? "none",
      agreement === null ? "-" : `${(100 * agreement).toFixed(1)} %`,
      log10P === null ? "-" : formatP(log10P),
    ]);
  const columns = [
    { head: "Part of the base" },
    { head: "Layer of the suspect", kind: "number" },
    { head: "Layer of the base", kind: "number" },
    { head: "Equal signs", kind: "number" },
    { head: "p", kind: "number" },
  ] as const;
  return section(
    "Layer by layer",
    bands === ""
      ? null
      : paragraph(
          html`Layers of the suspect found in the base: ${bands}. Of unrelated models half of the signs are equal.`,
        ),
    figures([...maps, ...drifts]),
    table("Layers; p is an illustration here, for the verdict has tests and a threshold of its own", columns, rows),
    moreText(layers.length - rows.length),
  );
}

function layerMap(name: string, layers: Comparison["layers"]): Html | null {
  const height = 1 + Math.max(...layers.map(({ suspect }) => suspect));
  const width = 1 + Math.max(...layers.map(({ base }) => base ?? 0));
  if (!(height <= MOST_CELLS_A_SIDE && width <= MOST_CELLS_A_SIDE)) return null;
  const found = layers.filter(
    ({ base, agreement, suspect }) => base !== null && base >= 0 && suspect >= 0 && agreement !== null,
  );
  return heatMap({
    title: `Layer map of ${name}`,
    words: `${found.length} layers of the suspect lie on layers of the base`,
    caption:
      "A square for each layer of the suspect, on the layer of the base that it was laid over; the darker, the more signs are equal. The table has the numbers.",
    rows: numbers(height),
    columns: numbers(width),
    rowAxis: "suspect",
    columnAxis: "layer of the base",
    // Half of the signs are equal by chance.
    cells: found.map(({ suspect, base, agreement }) => ({ row: suspect, column: base!, value: 2 * agreement! - 1 })),
    scale: ["as by chance", "all equal"],
  });
}

function driftMaps({ difference }: Comparison): (Html | null)[] {
  const matrices = (difference.matrices ?? []).filter(({ drift, layer }) => drift !== null && layer >= 0);
  const names = [...new Set(matrices.map(({ component }) => component))];
  return names.slice(0, MOST_MAPS).map((name) => {
    const own = matrices.filter(({ component }) => component === name);
    const layers = [...new Set(own.map(({ layer }) => layer))].sort((a, b) => a - b);
    const roles = [...new Set(own.map(({ role }) => role))];
    const most = Math.max(...own.map(({ drift }) => drift!));
    const words = own.map(({ layer, role, drift }) => `layer ${layer} ${role} ${formatNumber(drift)}`).join(", ");
    return heatMap({
      title: `Drift of ${name}`,
      words: words.length > 600 ? `up to ${formatNumber(most)}` : words,
      caption: `What was changed in a matrix, as a share of the size of its weights, where slices tell; ${formatNumber(most)} at most.`,
      rows: layers.map(String),
      columns: roles,
      rowAxis: "layer",
      columnAxis: "matrix",
      cells: own.map(({ layer, role, drift }) => ({
        row: layers.indexOf(layer),
        column: roles.indexOf(role),
        value: most > 0 ? drift! / most : 0,
      })),
      scale: ["none", formatNumber(most)],
    });
  });
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}
