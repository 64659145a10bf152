const ZERO = 48;
const NINE = 57;

/**
 * Order of names in which numbers count: `net.2` before `net.10`. Where models are compared matrix by matrix, the k-th of
 * one place stands beside the k-th of the other, so the order must not depend on how many digits a number has.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (!isDigit(a, at) && !isDigit(b, at)) return compareText(a, b);
  let start = at;
  while (start > 0 && isDigit(a, start - 1)) start--;
  if (!isDigit(a, start) || !isDigit(b, start)) return compareText(a, b);
  const [left, right] = [numberAt(a, start), numberAt(b, start)];
  // Digits, not numbers: a hostile name may hold more of them than a number keeps.
  return left.length - right.length || compareText(left, right) || compareText(a, b);
}

/** Order by UTF-16 units. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The digits from `start` on without leading zeros. */
function numberAt(text: string, start: number): string {
  let first = start;
  while (text.charCodeAt(first) === ZERO) first++;
  let end = first;
  while (isDigit(text, end)) end++;
  return text.slice(first, end);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= ZERO && code <= NINE;
}
