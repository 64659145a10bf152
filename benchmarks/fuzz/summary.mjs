const COLUMNS = ["target", "inputs", "accepted", "refused", "codes", "slowest ms", "memory MiB", "finds"];

const rowOf = (name, { inputs, accepted, refused, codes, slowestMs, grownBytes, finds }) => {
  return [name, inputs, accepted, refused, codes.size, slowestMs.toFixed(), (grownBytes / 2 ** 20).toFixed(), finds];
};

/** A Markdown table, a line for each target and one for all. */
export function tableOf(tallies) {
  const rows = [...tallies].map(([name, tally]) => rowOf(name, tally));
  const all = [...tallies.values()];
  const sum = (of) => all.reduce((total, tally) => total + of(tally), 0);
  const most = (of) => all.reduce((highest, tally) => Math.max(highest, of(tally)), 0);
  rows.push(
    rowOf("all", {
      inputs: sum(({ inputs }) => inputs),
      accepted: sum(({ accepted }) => accepted),
      refused: sum(({ refused }) => refused),
      codes: new Set(all.flatMap(({ codes }) => [...codes.keys()])),
      slowestMs: most(({ slowestMs }) => slowestMs),
      grownBytes: most(({ grownBytes }) => grownBytes),
      finds: sum(({ finds }) => finds),
    }),
  );
  const lines = [COLUMNS, COLUMNS.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`);
  return lines.join("");
}

/** One line for each kind of find: how often, where the input lies, and what was wrong. */
export function findLines(tallies) {
  const lines = [...tallies].flatMap(([name, tally]) =>
    tally
      .kinds()
      .map((finds) => `${name}: ${finds.length} x ${finds[0].code}: ${finds[0].message}\n  ${finds[0].file ?? ""}\n`),
  );
  return lines.join("");
}

/** The same for machines. */
export function reportOf(tallies, { seed, seconds }) {
  const targets = [...tallies].map(([name, tally]) => {
    const { inputs, accepted, refused, skipped, slowestMs, grownBytes, finds } = tally;
    const codes = Object.fromEntries([...tally.codes].sort(([a], [b]) => (a < b ? -1 : 1)));
    const kinds = tally.kinds().map((found) => {
      const [{ code, message, file = null, index }] = found;
      return { count: found.length, code, message, file, index };
    });
    return { name, inputs, accepted, refused, skipped, codes, slowestMs, grownBytes, finds, kinds };
  });
  return { seed, seconds, targets };
}
