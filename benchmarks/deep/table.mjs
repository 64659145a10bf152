/** Verdicts by truth, change and disguise; a derived one by what it rests on. */
export function tableOf(rows) {
  const groups = new Map();
  for (const row of rows) {
    const key = [row.truth, row.truth === "derivative" ? row.change : "", row.disguise].join(" | ");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  const count = (list, verdict, basis) =>
    list.filter((row) => verdict.includes(row.verdict) && (basis === undefined || row.basis === basis)).length;
  const claims = ["derived", "identical", "recast"];
  const lines = [...groups].map(([key, list]) => {
    const strengths = list.flatMap(({ strength }) => (strength === null ? [] : [strength]));
    const largest = (of) => (strengths.length === 0 ? "-" : Math.max(...strengths.map((one) => one[of])).toFixed(3));
    const cells = [
      list.length,
      count(list, claims, "plain"),
      count(list, claims, "exact"),
      count(list, claims, "calibrated"),
      count(list, ["shared-init"]),
      count(list, ["no-evidence", "not-testable"]),
      largest("gate"),
      largest("through"),
      largest("tokens"),
    ];
    return `| ${key} | ${cells.join(" | ")} |`;
  });
  const head =
    "| pair | change | disguise | pairs | derived, plain | exact | calibrated | shared-init | silent | largest gate | through | tokens |";
  const wrong = rows.filter(({ isWrong }) => isWrong).length;
  return `${head}\n|${" --- |".repeat(12)}\n${lines.join("\n")}\n\n${rows.length} pairs, ${wrong} wrong\n`;
}
