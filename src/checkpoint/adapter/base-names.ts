import { WeightmarkError } from "../../errors.ts";
import type { AdaptedModule } from "./factor-names.ts";

/** Where the modules of an adapter stand in a base. */
export interface BaseNames {
  /** Path in the base of each module. */
  readonly paths: ReadonlyMap<AdaptedModule, string>;
  /** What a tensor that is not one of a module's is called in the base. */
  rename(name: string): string;
  /** Modules of other models of a pipeline than the base. */
  readonly elsewhere: readonly AdaptedModule[];
}

/** Leading parts of a path that one of the two files may lack: "transformer.", "base_model.model.". */
const MOST_WRAPPED = 4;
const WEIGHT = ".weight";

/** Begin of a path that a base has on top of, or instead of, the one of an adapter. */
interface Wrapping {
  readonly dropped: number;
  readonly prefix: string;
}

/**
 * Finds the modules of an adapter in a base: by the same names, or with another beginning, the same for all of them.
 *
 * @param stems paths of the base's tensors that end in ".weight", without that
 * @param file what messages call the adapter
 * @throws ADAPTER_AMBIGUOUS, ADAPTER_MISFIT
 */
export function baseNames(modules: readonly AdaptedModule[], stems: ReadonlySet<string>, file: string): BaseNames {
  const groups = new Map<string, AdaptedModule[]>();
  for (const module of modules) {
    const group = groups.get(module.component);
    if (group === undefined) groups.set(module.component, [module]);
    else group.push(module);
  }
  const paths = new Map<AdaptedModule, string>();
  const elsewhere: AdaptedModule[] = [];
  const found: BaseNames["rename"][] = [];
  for (const [component, group] of groups) {
    const rename = group[0]!.isFlat ? flatNames(group, stems, paths, file) : dottedNames(group, stems, paths, file);
    if (rename === null && component === "") throw absent(group[0]!, file);
    if (rename === null) elsewhere.push(...group);
    else found.push(rename);
  }
  if (modules.length > 0 && paths.size === 0) throw absent(modules[0]!, file);
  return { paths, elsewhere, rename: found[0] ?? ((name) => name) };
}

function absent({ path, parts }: AdaptedModule, file: string): WeightmarkError {
  const message = `changes the module ${JSON.stringify(path)}, of which the base has no weight`;
  return new WeightmarkError("ADAPTER_MISFIT", message, { file, tensor: [...parts.values()][0] });
}

function ambiguous({ path, parts }: AdaptedModule, places: readonly string[], file: string): WeightmarkError {
  const shown = places.slice(0, 2).map((place) => JSON.stringify(place));
  const message = `the module ${JSON.stringify(path)} could be ${shown.join(" or ")} of the base`;
  return new WeightmarkError("ADAPTER_AMBIGUOUS", message, { file, tensor: [...parts.values()][0] });
}

/** Null where not one of the modules is found. */
function dottedNames(
  modules: readonly AdaptedModule[],
  stems: ReadonlySet<string>,
  paths: Map<AdaptedModule, string>,
  file: string,
): BaseNames["rename"] | null {
  const nearest: { module: AdaptedModule; found: number } = { module: modules[0]!, found: 0 };
  for (let dropped = 0; dropped < MOST_WRAPPED; dropped++) {
    const whole: string[] = [];
    for (const prefix of prefixesOf(modules[0]!.path, dropped, stems)) {
      const places = modules.map(({ path }) => placed(path, { dropped, prefix }));
      const missing = places.findIndex((place) => place === null || !stems.has(place));
      if (missing < 0) whole.push(prefix);
      else if (missing > nearest.found) Object.assign(nearest, { module: modules[missing]!, found: missing });
    }
    // By the very names of the adapter it is what its own library would find.
    const [prefix] = whole.includes("") ? [""] : whole;
    if (prefix === undefined) continue;
    if (whole.length > 1 && prefix !== "") {
      throw ambiguous(
        modules[0]!,
        whole.map((one) => placed(modules[0]!.path, { dropped, prefix: one })!),
        file,
      );
    }
    for (const module of modules) paths.set(module, placed(module.path, { dropped, prefix })!);
    return (name) => placed(name, { dropped, prefix }) ?? name;
  }
  if (nearest.found === 0) return null;
  throw absent(nearest.module, file);
}

/** The path with its beginning changed; null where it has too few parts. */
function placed(path: string, { dropped, prefix }: Wrapping): string | null {
  const segments = path.split(".");
  // A layer's number is never part of what wraps a model.
  if (segments.length <= dropped || segments.slice(0, dropped).some(isNumber)) return null;
  return prefix + segments.slice(dropped).join(".");
}

function prefixesOf(path: string, dropped: number, stems: ReadonlySet<string>): string[] {
  const rest = placed(path, { dropped, prefix: "" });
  if (rest === null || (dropped > 0 && !rest.includes("."))) return [];
  const prefixes = new Set<string>();
  for (const stem of stems) {
    if (stem !== rest && !stem.endsWith(`.${rest}`)) continue;
    const prefix = stem.slice(0, stem.length - rest.length);
    if (!/(?:^|\.)\d+\./.test(prefix)) prefixes.add(prefix);
  }
  return [...prefixes].sort();
}

/**
 * kohya-ss writes paths with "_" for ".": a name that two modules of the base would have is neither's. Words that only one of the
 * two files begins with are left out, as above.
 */
function flatNames(
  modules: readonly AdaptedModule[],
  stems: ReadonlySet<string>,
  paths: Map<AdaptedModule, string>,
  file: string,
): BaseNames["rename"] | null {
  let missing: AdaptedModule | null = null;
  for (let dropped = 0; dropped < MOST_WRAPPED; dropped++) {
    const words = modules[0]!.path.split("_");
    if (words.slice(0, dropped).some(isNumber)) break;
    const begin = words
      .slice(0, dropped)
      .map((word) => `${word}_`)
      .join("");
    const wanted = modules.map(({ path }) => (path.startsWith(begin) ? path.slice(begin.length) : ""));
    const whole: (readonly string[])[] = [];
    for (const prefix of flatPrefixes(wanted[0]!, stems)) {
      const names = flattened(prefix, stems);
      const several = wanted.findIndex((name) => (names.get(name)?.length ?? 0) > 1);
      if (several >= 0) throw ambiguous(modules[several]!, names.get(wanted[several]!)!, file);
      const lacking = wanted.findIndex((name) => !names.has(name));
      if (lacking < 0) whole.push(wanted.map((name) => names.get(name)![0]!));
      else missing ??= modules[lacking]!;
    }
    if (whole.length > 1)
      throw ambiguous(
        modules[0]!,
        whole.map((places) => places[0]!),
        file,
      );
    const [places] = whole;
    if (places === undefined) continue;
    for (const [i, module] of modules.entries()) paths.set(module, places[i]!);
    return (name) => name;
  }
  if (missing !== null) throw absent(missing, file);
  return null;
}

/** What stands before a path of the base of which the rest, flattened, is the given name. */
function flatPrefixes(name: string, stems: ReadonlySet<string>): string[] {
  const prefixes = new Set<string>();
  for (const stem of stems) {
    for (let at = 0, drop = 0; at >= 0 && drop < MOST_WRAPPED; at = nextStart(stem, at), drop++) {
      if (flat(stem.slice(at)) === name) prefixes.add(stem.slice(0, at));
    }
  }
  return [...prefixes].sort();
}

/** Paths of the base that begin so, by what the rest of them is flattened. */
function flattened(prefix: string, stems: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const stem of stems) {
    if (!stem.startsWith(prefix)) continue;
    const name = flat(stem.slice(prefix.length));
    const known = names.get(name);
    if (known === undefined) names.set(name, [stem]);
    else known.push(stem);
  }
  return names;
}

function flat(path: string): string {
  return path.replaceAll(".", "_");
}

function isNumber(word: string): boolean {
  return /^\d+$/.test(word);
}

function nextStart(stem: string, at: number): number {
  const dot = stem.indexOf(".", at);
  return dot < 0 ? -1 : dot + 1;
}

/** Paths of the tensors that are weights of modules. */
export function weightStems(names: Iterable<string>): Set<string> {
  const stems = new Set<string>();
  for (const name of names) if (name.endsWith(WEIGHT)) stems.add(name.slice(0, -WEIGHT.length));
  return stems;
}
