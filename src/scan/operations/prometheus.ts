/** Values of labels: of closed sets, never names of models, or every model would be a time series of its own. */
export type Labels = Readonly<Record<string, string>>;

type Kind = "counter" | "gauge" | "histogram";

/** One metric family in the Prometheus text format 0.0.4. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: Kind;
  samples(): Iterable<readonly [suffix: string, labels: Labels, value: number]>;
}

export interface Counter {
  add(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** Numbers of one process, and their text for a server that scrapes them. */
export class Metrics {
  readonly #families: Family[] = [];

  /** @param start label sets that are shown with 0 before they are counted: a rate needs a first value */
  counter(name: string, help: string, start: readonly Labels[] = [{}]): Counter {
    const series = new Map<string, { readonly labels: Labels; value: number }>();
    const add = (value: number, labels: Labels = {}) => {
      const key = labelText(labels);
      const found = series.get(key);
      if (found === undefined) series.set(key, { labels, value });
      else found.value += value;
    };
    for (const labels of start) add(0, labels);
    const samples = () => [...series.values()].map(({ labels, value }) => ["", labels, value] as const);
    this.#families.push({ name, help, kind: "counter", samples });
    return { add };
  }

  /** `read` is asked at every scrape. */
  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#families.push({ name, help, kind: "gauge", samples: () => [["", labels, read()]] });
  }

  /** @param bounds upper bounds, ascending; +Inf is added */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const counts = new Array<number>(bounds.length + 1).fill(0);
    let sum = 0;
    function* samples() {
      let below = 0;
      for (const [i, count] of counts.entries()) {
        below += count;
        yield ["_bucket", { le: valueText(bounds[i] ?? Number.POSITIVE_INFINITY) }, below] as const;
      }
      yield ["_sum", {}, sum] as const;
      yield ["_count", {}, below] as const;
    }
    this.#families.push({ name, help, kind: "histogram", samples });
    return {
      observe(value) {
        const bucket = bounds.findIndex((bound) => value <= bound);
        counts[bucket < 0 ? bounds.length : bucket]! += 1;
        sum += value;
      },
    };
  }

  text(): string {
    return this.#families
      .map(({ name, help, kind, samples }) => {
        const lines = [`# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`, `# TYPE ${name} ${kind}`];
        for (const [suffix, labels, value] of samples()) {
          lines.push(`${name}${suffix}${labelText(labels)} ${valueText(value)}`);
        }
        return `${lines.join("\n")}\n`;
      })
      .join("");
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
