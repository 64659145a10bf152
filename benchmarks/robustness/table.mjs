const CARRIERS = ["orientation", "spread", "embedding", "head"];
const NONE = "-";

/** One model's rows in Markdown: what is measured, and the prediction in brackets. */
export function tableOf({ model, settings, embedded, rows }) {
  const there = CARRIERS.filter((carrier) => rows.some(({ found }) => found?.statistics.has(carrier)));
  const head = ["attack", "r", ...there, "log2 p", ...(settings.payload ? ["payload"] : []), "found", "ok"];
  const lines = [head, head.map(() => "---"), ...rows.map((row) => cells(row, there, settings))];
  const marks = embedded.carriers.map(
    ({ name, payloadBits, achieved }) =>
      `${name} ${payloadBits === null ? "none" : `${payloadBits} bits, Z ${figure(achieved)}`}`,
  );
  const wrong = rows.filter(({ ok }) => !ok).length;
  return [
    `### ${model}, rho ${embedded.rho}: ${marks.join("; ")}\n`,
    ...lines.map((line) => `| ${line.join(" | ")} |`),
    `\n${rows.length} rows, ${wrong} not as they must be\n`,
  ].join("\n");
}

/** One row by itself, for the impatient. */
export function lineOf(row, settings) {
  return cells(row, CARRIERS, settings).join(" | ");
}

function cells({ name, found, r, predicted, skipped, wrong, ok }, carriers, { payload }) {
  const blanks = carriers.length + 2 + (payload ? 1 : 0);
  if (skipped) return [name, skipped, ...Array.from({ length: blanks }, () => NONE), NONE];
  return [
    name,
    r?.linear == null ? NONE : r.linear.toFixed(3),
    ...carriers.map((carrier) => statistic(found.statistics.get(carrier), predicted?.get(carrier))),
    Math.round(found.log2P),
    ...(payload ? [found.payload === null ? NONE : wrong ? "WRONG" : "right"] : []),
    found.present ? "yes" : "no",
    ok ? "yes" : "NO",
  ];
}

function statistic(z, predicted) {
  if (z === undefined) return NONE;
  return predicted === undefined ? figure(z) : `${figure(z)} (${figure(predicted)})`;
}

const figure = (z) => (z === null ? NONE : z.toFixed(1));
