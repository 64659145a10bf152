const MOST = 5;

/**
 * The first five of some names as a message lists them, and how many more there are.
 *
 * @param longest characters of each that are shown: names inside of files may be of any length. @default all
 */
export function shownNames(names: readonly string[], longest = Number.POSITIVE_INFINITY): string {
  const shown = names.slice(0, MOST).map((name) => JSON.stringify(name.slice(0, longest)));
  if (names.length > MOST) shown.push(`${names.length - MOST} more`);
  return shown.join(", ");
}
