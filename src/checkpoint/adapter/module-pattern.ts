/** One character of a pattern, and how often it may stand. */
interface Step {
  readonly takes: (character: string) => boolean;
  readonly least: 0 | 1;
  readonly repeats: boolean;
}

const MAX_LENGTH = 512;
const CLASSES: Readonly<Record<string, RegExp>> = { d: /[0-9]/, w: /[0-9A-Za-z_]/ };

/**
 * Whether the end of a module's path, from a dot on or from its beginning, is what a key of peft's `rank_pattern` describes. peft
 * takes keys for Python's regular expressions. Whole ones could keep a reader busy for ever (CWE-1333), so that of those only
 * single characters are understood here, and what repeats them: that is as fast as the text is long.
 *
 * @returns null for a key that holds more
 * @see `get_pattern_key` in https://github.com/huggingface/peft/blob/main/src/peft/utils/other.py
 */
export function modulePattern(key: string): ((module: string) => boolean) | null {
  const isAnchored = key.startsWith("^");
  const steps = stepsOf(isAnchored ? key.slice(1) : key);
  if (steps === null) return null;
  return (module) => {
    if (matches(steps, module)) return true;
    if (isAnchored) return false;
    for (let dot = module.indexOf("."); dot >= 0; dot = module.indexOf(".", dot + 1)) {
      if (matches(steps, module.slice(dot + 1))) return true;
    }
    return false;
  };
}

function stepsOf(pattern: string): readonly Step[] | null {
  if (pattern.length > MAX_LENGTH) return null;
  const steps: Step[] = [];
  const text = pattern.endsWith("$") && !pattern.endsWith("\\$") ? pattern.slice(0, -1) : pattern;
  for (let at = 0; at < text.length; ) {
    const [unit] = /^(?:\\[dw.\\_-]|\[[0-9A-Za-z_-]+\]|[0-9A-Za-z_.\- ])/.exec(text.slice(at)) ?? [];
    if (unit === undefined) return null;
    const takes = takesOf(unit);
    if (takes === null) return null;
    at += unit.length;
    const times = text[at] ?? "";
    const isCounted = "*+?".includes(times) && times !== "";
    if (isCounted) at++;
    // "*?" and "*+" take as much as "*", for only whether all of it fits is asked.
    if (isCounted && "?+".includes(text[at] ?? " ")) return null;
    steps.push({ takes, least: times === "*" || times === "?" ? 0 : 1, repeats: times === "*" || times === "+" });
  }
  return steps;
}

function takesOf(unit: string): Step["takes"] | null {
  if (unit === ".") return () => true;
  if (unit.startsWith("\\")) {
    const named = CLASSES[unit[1]!];
    return named === undefined ? (character) => character === unit[1] : (character) => named.test(character);
  }
  if (!unit.startsWith("[")) return (character) => character === unit;
  const ranges = [...unit.slice(1, -1).matchAll(/([0-9A-Za-z_])(?:-([0-9A-Za-z_]))?/g)];
  if (ranges.reduce((length, [all]) => length + all.length, 2) !== unit.length) return null;
  return (character) => ranges.some(([, from, to]) => from! <= character && character <= (to ?? from!));
}

/** All places of the pattern that the text so far can have led to, character by character. */
function matches(steps: readonly Step[], text: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const end = steps.length;
  let places = reach(steps, new Uint8Array(end + 1), 0);
  for (const character of text) {
    let next = new Uint8Array(end + 1);
    let isAlive = false;
    for (let at = 0; at < end; at++) {
      if (places[at] !== 1 || !steps[at]!.takes(character)) continue;
      isAlive = true;
      next = reach(steps, next, at + 1);
      if (steps[at]!.repeats) next[at] = 1;
    }
    if (!isAlive) return false;
    places = next;
  }
  return places[end] === 1;
}

/** Marks a place, and those that lie behind what may be left out. */
function reach(steps: readonly Step[], places: Uint8Array<ArrayBuffer>, from: number): Uint8Array<ArrayBuffer> {
  for (let at = from; places[at] !== 1; at++) {
    places[at] = 1;
    if (at === steps.length || steps[at]!.least === 1) break;
  }
  return places;
}
