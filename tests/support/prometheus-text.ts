/**
 * Samples of a Prometheus text exposition (format 0.0.4) by name and labels as written. Refuses what a scraper or promtool
 * would: samples without HELP and TYPE before them, families that are torn apart or repeated, series that stand twice, bad
 * names, histograms that do not add up, counters not called _total.
 */
export function parseExposition(text: string): Map<string, number> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const samples = new Map<string, number>();
  const families = new Map<string, string>();
  let help = "";
  let family = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment?.[1] === "HELP") {
      help = comment[2]!;
    } else if (comment !== null) {
      family = comment[2]!;
      if (help !== family) throw new Error(`${family} has no HELP`);
      if (families.has(family)) throw new Error(`${family} stands twice`);
      if (comment[3] === "counter" && !family.endsWith("_total")) throw new Error(`${family} is no name of a counter`);
      families.set(family, comment[3]!);
    } else {
      const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
      const sample = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{${label}(?:,${label})*\\})? (\\S+)$`).exec(line);
      if (sample === null) throw new Error(`not a sample: ${line}`);
      const [, name, labels = "", value] = sample;
      const suffixes = families.get(family) === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`${name} is outside of its family`);
      const key = name + labels;
      if (samples.has(key)) throw new Error(`${key} stands twice`);
      samples.set(key, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
    }
  }
  for (const [name, kind] of families) if (kind === "histogram") requireHistogram(name, samples);
  return samples;
}

function requireHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket{`)).map(([, value]) => value);
  const rising = buckets.every((value, i) => i === 0 || value >= buckets[i - 1]!);
  const last = samples.get(`${name}_bucket{le="+Inf"}`);
  if (!rising || last === undefined || last !== samples.get(`${name}_count`))
    throw new Error(`${name} does not add up`);
}
