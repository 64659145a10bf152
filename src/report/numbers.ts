/** "p = 2.5e-1235" from a log10, however small: no double holds it. */
export function formatP(log10P: number | null): string {
  if (log10P === null) return "p not available";
  if (log10P > -3) return `p = ${(10 ** log10P).toPrecision(2)}`;
  let exponent = Math.floor(log10P);
  let mantissa = (10 ** (log10P - exponent)).toFixed(1);
  if (mantissa === "10.0") {
    mantissa = "1.0";
    exponent++;
  }
  return `p = ${mantissa}e${exponent}`;
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"] as const;

/** Decimal units, three digits. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}

export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : plural}`;
}

/** "6.74 B parameters" */
export function formatParameters(parameters: number): string {
  for (const [unit, size] of [
    ["T", 1e12],
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (parameters >= size) return `${(parameters / size).toPrecision(3)} ${unit} parameters`;
  }
  return formatCount(parameters, "parameter");
}

/** Three significant digits without an exponent where that is readable; "-" for what is not known. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  // A small negative number rounds to "-0.00".
  return Number(text) === 0 ? text.replace("-", "") : text;
}

export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
