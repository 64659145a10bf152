import { WeightmarkError } from "../errors.ts";

/** Which targets of a scan are wanted, by their names. */
export interface NameFilter {
  /** Globs; none means every name. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** One part of a glob between slashes: any number of parts, or what each character may be. */
type Part = "**" | readonly Atom[];
type Atom = "*" | ((char: string) => boolean);

/** Alternatives multiply: `{a,b}` ten times over is a thousand globs. */
const MAX_ALTERNATIVES = 1024;

/**
 * Makes a test of names out of globs, `path.matchesGlob` not being there in Node 20. As in a .gitignore: `*` and `?` stop
 * at "/", `**` is any number of parts, `[a-z]` and `[!a]` are classes, `{a,b}` alternatives, a backslash takes what follows
 * for itself; a glob without "/" is held against the last part of a name.
 *
 * Matching takes at most (name length) x (glob length) steps: names are hostile, and a backtracking expression could be
 * made to run for years by one (CWE-1333).
 *
 * @throws USAGE for a glob of too many alternatives
 */
export function nameFilter({ include, exclude }: NameFilter): (name: string) => boolean {
  const wanted = include.flatMap(compile);
  const unwanted = exclude.flatMap(compile);
  return (name) => {
    const parts = name.split("/").map((part) => [...part]);
    const fits = (globs: readonly Part[][]) => globs.some((glob) => fitsParts(glob, parts));
    return (include.length === 0 || fits(wanted)) && !fits(unwanted);
  };
}

function compile(glob: string): Part[][] {
  return alternatives(glob).map((one) => {
    const parts = one.replace(/^\.?\//, "").split("/");
    const compiled = parts.map((part): Part => (part === "**" ? part : atoms(part)));
    return one.includes("/") ? compiled : ["**", ...compiled];
  });
}

/** `a{b,c}d` is `abd` and `acd`; braces that are not closed stand for themselves. */
function alternatives(glob: string): string[] {
  const found = /^((?:[^\\{]|\\.)*)\{((?:[^\\{}]|\\.)*)\}(.*)$/su.exec(glob);
  if (found === null) return [glob];
  const [, before, inside, after] = found;
  const tails = alternatives(after!);
  const options = inside!.match(/(?:[^\\,]|\\.)*(?:,|$)/gsu)!.map((option) => option.replace(/,$/, ""));
  // The expression also matches nothing once more at the very end.
  const wanted = inside!.endsWith(",") || inside === "" ? options : options.slice(0, -1);
  const all = wanted.flatMap((option) => tails.map((tail) => `${before}${option}${tail}`));
  if (all.length > MAX_ALTERNATIVES) {
    throw new WeightmarkError("USAGE", `a glob of more than ${MAX_ALTERNATIVES} alternatives: ${glob.slice(0, 80)}`);
  }
  return all;
}

function atoms(part: string): Atom[] {
  const found: Atom[] = [];
  for (let rest = part; rest !== ""; ) {
    const [text, negated, set] = /^\[([!^])?(\]?[^\]]*)\]/su.exec(rest) ?? [];
    const char = String.fromCodePoint(rest.codePointAt(0)!);
    let taken = char;
    if (char === "*") found.push("*");
    else if (char === "?") found.push(() => true);
    else if (text !== undefined && set !== undefined && set !== "") {
      taken = text;
      const members = ranges([...set]);
      found.push((one) => members.some(([first, last]) => first <= one && one <= last) === (negated === undefined));
    } else {
      if (char === "\\" && rest.length > 1) taken += String.fromCodePoint(rest.codePointAt(1)!);
      const literal = taken.length > 1 && char === "\\" ? taken.slice(1) : taken;
      found.push((one) => one === literal);
    }
    rest = rest.slice(taken.length);
  }
  return found;
}

function ranges(set: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i < set.length; i++) {
    const isRange = set[i + 1] === "-" && i + 2 < set.length;
    found.push([set[i]!, isRange ? set[i + 2]! : set[i]!]);
    if (isRange) i += 2;
  }
  return found;
}

const fitsParts = (glob: readonly Part[], parts: readonly string[][]) =>
  fitsSequence(
    glob,
    parts,
    (part) => part === "**",
    (part, text) => fitsAtoms(part as readonly Atom[], text),
  );

const fitsAtoms = (glob: readonly Atom[], text: readonly string[]) =>
  fitsSequence(
    glob,
    text,
    (atom) => atom === "*",
    (atom, char) => (atom as (char: string) => boolean)(char),
  );

/** Wildcards in a sequence: only the last one met ever has to take one more, so that nothing is tried twice. */
function fitsSequence<G, T>(
  glob: readonly G[],
  sequence: readonly T[],
  isWild: (part: G) => boolean,
  fits: (part: G, one: T) => boolean,
): boolean {
  let at = 0;
  let wild = -1;
  let taken = 0;
  for (let i = 0; i < sequence.length; ) {
    if (at < glob.length && isWild(glob[at]!)) {
      wild = at++;
      taken = i;
    } else if (at < glob.length && fits(glob[at]!, sequence[i]!)) {
      at += 1;
      i += 1;
    } else if (wild >= 0) {
      at = wild + 1;
      i = ++taken;
    } else return false;
  }
  while (at < glob.length && isWild(glob[at]!)) at += 1;
  return at === glob.length;
}
