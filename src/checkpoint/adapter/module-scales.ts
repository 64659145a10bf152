import { canPrefetch } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { AdaptedModule, AdapterContents } from "./factor-names.ts";
import { type AdapterSettings, packedSettings, parseSettings } from "./settings.ts";

const FILE = "adapter_config.json";

/**
 * What is said of an adapter's modules: by its adapter_config.json, or by what diffusers writes into the header of a file, for
 * each model of a pipeline. Null where nobody says anything, as kohya-ss does not.
 *
 * @throws ADAPTER_CONFIG_INVALID, ADAPTER_UNSUPPORTED
 */
export async function settingsOf(
  adapter: Checkpoint,
  { isPeft }: AdapterContents,
): Promise<(component: string) => AdapterSettings | null> {
  const bytes = await adapter.readBeside?.(FILE);
  if (bytes) {
    const settings = parseSettings(bytes, adapter.location);
    return () => settings;
  }
  if (isPeft) {
    const message = `there is no ${FILE} beside it, which says what its factors are scaled by`;
    throw new WeightmarkError("ADAPTER_CONFIG_INVALID", message, { file: adapter.location });
  }
  const packed = adapter.metadata?.get("lora_adapter_metadata");
  if (packed === undefined) return () => null;
  const known = new Map<string, AdapterSettings | null>();
  return (component) => {
    if (!known.has(component)) known.set(component, packedSettings(packed, component, adapter.location));
    return known.get(component)!;
  };
}

/**
 * What kohya-ss stores beside the factors of each module, by the module; none where it left it out.
 *
 * @throws ADAPTER_MALFORMED
 */
export async function storedAlphas(
  adapter: Checkpoint,
  modules: readonly AdaptedModule[],
): Promise<ReadonlyMap<AdaptedModule, number>> {
  const stored = modules.flatMap((module) => {
    const name = module.parts.get("alpha");
    return name === undefined ? [] : [{ module, tensor: adapter.tensors.get(name)! }];
  });
  for (const [index, { source }] of adapter.files.entries()) {
    const own = stored.filter(({ tensor }) => tensor.file === index);
    if (canPrefetch(source)) await source.prefetch(own.map(({ tensor }) => ({ start: tensor.begin, end: tensor.end })));
  }
  const alphas = new Map<AdaptedModule, number>();
  for (const { module, tensor } of stored) {
    const count = tensor.shape.reduce((product, side) => product * side, 1);
    const values =
      count === 1
        ? decodeToF32(await adapter.files[tensor.file]!.source.read(tensor.begin, tensor.end), tensor.dtype)
        : new Float32Array(0);
    const [alpha] = values;
    if (alpha === undefined || !Number.isFinite(alpha)) {
      throw new WeightmarkError("ADAPTER_MALFORMED", "the scale of a module is no finite number", {
        file: adapter.location,
        tensor: tensor.name,
      });
    }
    alphas.set(module, alpha);
  }
  return alphas;
}

/**
 * What the product of a module's factors is multiplied with, and the rank that they must have where somebody says one.
 *
 * @param alpha what is stored beside the factors
 * @param rank that the factors show; null where they are no products
 * @throws ADAPTER_CONFIG_INVALID
 */
export function scaleOf(
  module: AdaptedModule,
  settings: AdapterSettings | null,
  { alpha, rank, file }: { readonly alpha: number | undefined; readonly rank: number | null; readonly file: string },
): { readonly rank: number | null; readonly scale: number } {
  if (settings !== null) return { rank: settings.rankOf(module.path), scale: settings.scaleOf(module.path) };
  if (module.parts.has("ia3_l")) return { rank: null, scale: 1 };
  // Of a product of two whole matrices LyCORIS scales nothing, and without an alpha everybody takes the rank for it.
  if (rank === null) return { rank: null, scale: 1 };
  if (alpha !== undefined) return { rank: null, scale: alpha / rank };
  if (module.isFlat || module.component !== "") return { rank: null, scale: 1 };
  const message = `there is no ${FILE} beside it, which says what its factors are scaled by`;
  throw new WeightmarkError("ADAPTER_CONFIG_INVALID", message, { file, tensor: [...module.parts.values()][0] });
}
