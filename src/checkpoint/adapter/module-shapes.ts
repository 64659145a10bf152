import { WeightmarkError } from "../../errors.ts";
import { baseNames, weightStems } from "./base-names.ts";
import { type AdaptedModule, adapterContents } from "./factor-names.ts";
import { kindOf } from "./module-parts.ts";

/** A weight that an adapter changes, as far as its factors alone tell: (IA)^3 has one side of it. */
export interface ModuleShape {
  readonly module: AdaptedModule;
  readonly rows: number | null;
  readonly cols: number | null;
}

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** More modules than any model has linears that are adapted. */
const MAX_MODULES = 1 << 14;
/** Wider than any linear. */
const MAX_SIDE = 1 << 26;

/** Shapes of the weights that an adapter alone changes; null where a module is of no kind that is read, or contradicts itself. */
export function moduleShapes(tensors: Shapes): readonly ModuleShape[] | null {
  const modules = modulesOf(tensors.keys());
  if (modules.length === 0 || modules.length > MAX_MODULES) return null;
  const shapes = modules.map((module) => ({ module, ...sidesOf(module, tensors) }));
  const isSide = (side: number | null) =>
    side === null || (Number.isSafeInteger(side) && side >= 1 && side <= MAX_SIDE);
  const isShape = ({ rows, cols }: ModuleShape) => isSide(rows) && isSide(cols) && (rows ?? cols) !== null;
  return shapes.every(isShape) ? shapes : null;
}

/** Whether a model has all of the modules, of these shapes; all of them may be stored as [in, out]. */
export function fitsShapes(wanted: readonly ModuleShape[], base: Shapes): boolean {
  const paths = pathsIn(
    wanted.map(({ module }) => module),
    base,
  );
  if (paths === null) return false;
  return [false, true].some((turned) =>
    wanted.every(({ module, rows, cols }) => {
      const [first = 0, ...rest] = base.get(`${paths.get(module)}.weight`)?.shape ?? [];
      const sides = [first, rest.reduce((product, side) => product * side, 1)];
      const [own, others] = turned ? sides.reverse() : sides;
      return rest.length > 0 && (rows === null || rows === own) && (cols === null || cols === others);
    }),
  );
}

function modulesOf(names: Iterable<string>): readonly AdaptedModule[] {
  return unlessRefused(() => adapterContents(names, "").modules) ?? [];
}

/** Null where one of them has no place in the base, or several. */
function pathsIn(modules: readonly AdaptedModule[], base: Shapes): ReadonlyMap<AdaptedModule, string> | null {
  const found = unlessRefused(() => baseNames(modules, weightStems(base.keys()), ""));
  return found === null || found.elsewhere.length > 0 ? null : found.paths;
}

function unlessRefused<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof WeightmarkError) return null;
    throw error;
  }
}

function sidesOf(module: AdaptedModule, tensors: Shapes): Pick<ModuleShape, "rows" | "cols"> {
  const shapeOf = (part: string): readonly number[] | undefined => tensors.get(module.parts.get(part) ?? "")?.shape;
  /** Of a matrix that is stored whole, or as a product with a common rank. */
  const product = (left: string, right: string, whole = ""): readonly [number, number] => {
    const alone = shapeOf(whole);
    const [a, b] = alone === undefined ? [shapeOf(left), shapeOf(right)] : [alone, alone];
    if (a === undefined || b === undefined || a.length < 2 || b.length < 2) return NOTHING;
    if (alone === undefined && a.slice(1).reduce(times, 1) !== b[0]) return NOTHING;
    return [a[0]!, b.slice(1).reduce(times, 1)];
  };
  switch (kindOf(module)) {
    case "lora": {
      if (module.parts.has("lora_embedding_A")) {
        const [width, vocabulary] = product("lora_embedding_B", "lora_embedding_A");
        return { rows: vocabulary, cols: width };
      }
      const [rows, cols] = product("lora_B", "lora_A");
      return { rows, cols };
    }
    case "loha": {
      const [[rows, cols], second] = [product("hada_w1_a", "hada_w1_b"), product("hada_w2_a", "hada_w2_b")];
      return rows === second[0] && cols === second[1] ? { rows, cols } : { rows: 0, cols: 0 };
    }
    case "lokr": {
      const [first, second] = [1, 2].map((i) => product(`lokr_w${i}_a`, `lokr_w${i}_b`, `lokr_w${i}`)) as [
        Sides,
        Sides,
      ];
      return { rows: first[0] * second[0], cols: first[1] * second[1] };
    }
    case "ia3": {
      const [rows = 0, cols = 0, ...more] = shapeOf("ia3_l") ?? [];
      if (more.length > 0 || Math.min(rows, cols) !== 1) return { rows: 0, cols: 0 };
      return rows === 1 ? { rows: null, cols } : { rows, cols: null };
    }
  }
}

type Sides = readonly [rows: number, cols: number];
const NOTHING: Sides = [0, 0];
const times = (a: number, b: number): number => a * b;
