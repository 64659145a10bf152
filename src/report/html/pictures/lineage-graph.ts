import { type Html, html } from "../markup.ts";
import { at, figure } from "./picture.ts";

/** A model that was found to share weights with a base. */
export interface Edge {
  readonly model: string;
  readonly base: string;
  /** Whether it is established that the model comes from the base. */
  readonly directed: boolean;
}

const ROW = 22;
const BASE_END = 118;
const MODEL_START = 196;
const LETTERS = 17;

/** Bases to the left, models to the right, a line for each finding: an arrow where the direction is established. */
export function lineageGraph(title: string, edges: readonly Edge[], caption: string): Html | null {
  if (edges.length === 0) return null;
  const bases = [...new Set(edges.map(({ base }) => base))].sort();
  const placeOf = new Map(bases.map((base, i) => [base, i]));
  const firstBase = (model: string) => placeOf.get(edges.find((edge) => edge.model === model)!.base)!;
  const order = new Map([...new Set(edges.map(({ model }) => model))].map((model) => [model, firstBase(model)]));
  const models = [...order].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([model]) => model);
  const rowOf = new Map(models.map((model, i) => [model, i]));
  const rows = Math.max(bases.length, models.length);
  const yOfModel = (model: string) => 14 + ROW * (rowOf.get(model)! + (rows - models.length) / 2);
  const yOfBase = (base: string) => 14 + (ROW * rows * (placeOf.get(base)! + 0.5)) / bases.length - ROW / 2;
  const lines = edges.map(({ model, base, directed }) => {
    const [x, y, u, v] = [BASE_END + 6, at(yOfBase(base)), MODEL_START - 8, at(yOfModel(model))];
    const curve = html`<path class="${directed ? "edge" : "edge second"}" d="M${x} ${y}C${x + 34} ${y} ${u - 34} ${v} ${u} ${v}"/>`;
    return directed ? html`${curve}<path class="dot" d="M${u + 3} ${v}l-7 -3.5v7z"/>` : curve;
  });
  const left = bases.map(
    (base) => html`<text class="end" x="${BASE_END}" y="${at(yOfBase(base) + 4)}">${short(base)}</text>`,
  );
  const right = models.map(
    (model) => html`<text x="${MODEL_START}" y="${at(yOfModel(model) + 4)}">${short(model)}</text>`,
  );
  const words = edges.map(({ model, base }) => `${model} and ${base}`).join("; ");
  return figure(title, words, ROW * rows + 8, html`${lines}${left}${right}`, caption);
}

function short(name: string): string {
  const letters = [...name];
  return letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : name;
}
