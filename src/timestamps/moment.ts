const WRITTEN = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Milliseconds since 1970 of a date, from the start of its day in Greenwich, or of a time with its zone; null for anything else.
 * Where a zone is missing, every machine would take another moment.
 */
export function momentOf(text: string): number | null {
  const [, day, time] = WRITTEN.exec(text) ?? [];
  if (day === undefined) return null;
  const start = Date.parse(`${day}T00:00:00Z`);
  // The thirtieth of February is another day to whoever parses it.
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(day)) return null;
  const at = time === undefined ? start : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
