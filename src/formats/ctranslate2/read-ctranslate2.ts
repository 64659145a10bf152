import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_TENSORS } from "../safetensors/limits.ts";
import { DTYPE_BITS, type Dtype } from "../tensor-info.ts";
import { FieldReader } from "./field-reader.ts";

/** A variable of a model, where it lies. */
export interface Ct2Variable {
  /** "encoder/layer_0/ffn/linear_0/weight"; opaque and hostile. */
  readonly name: string;
  readonly dtype: Dtype;
  /** Empty for a number alone. */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A model of CTranslate2. */
export interface Ct2Model {
  /** What kind of model it is: "TransformerSpec", "WhisperSpec" ... */
  readonly spec: string;
  readonly variables: ReadonlyMap<string, Ct2Variable>;
  /** Further names of variables. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** The versions whose form is known: 2 names the kind of model, 3 brings aliases, 4 types, 5 and 6 nothing that is read. */
const FIRST_VERSION = 2;
const LAST_VERSION = 6;
/** By their number in the file, since version 4. */
const DTYPES: readonly Dtype[] = ["F32", "I8", "I16", "I32", "F16", "BF16"];
/** By the bytes of an element, before. */
const BY_SIZE: ReadonlyMap<number, Dtype> = new Map<number, Dtype>([
  [1, "I8"],
  [2, "I16"],
  [4, "F32"],
]);
const MAX_RANK = 8;

/**
 * Reads which variables of a `model.bin` lie where, and no values. The variables stand one behind the other, each
 * behind what says
 * what it is, and the aliases at the end of the file.
 *
 * @throws CT2_MALFORMED, CT2_LIMIT, CT2_VERSION
 * @see https://github.com/OpenNMT/CTranslate2/blob/master/python/ctranslate2/specs/model_spec.py
 */
export async function readCtranslate2(source: ByteSource): Promise<Ct2Model> {
  const { location: file } = source;
  const fields = new FieldReader(source);
  const version = await fields.u32();
  if (version < FIRST_VERSION || version > LAST_VERSION) {
    throw new WeightmarkError("CT2_VERSION", `version ${version} of the format is not known`, { file });
  }
  const spec = await fields.text();
  await fields.u32();
  const count = await fields.count(MAX_TENSORS, "variables");
  const variables = new Map<string, Ct2Variable>();
  for (let i = 0; i < count; i++) {
    const variable = await readVariable(fields, version);
    if (variables.has(variable.name)) throw fields.malformed("the variable stands twice in the model", variable.name);
    variables.set(variable.name, variable);
  }
  const aliases = version < 3 ? new Map<string, string>() : await readAliases(fields, variables);
  fields.requireEnd();
  return { spec, variables, aliases };
}

async function readVariable(fields: FieldReader, version: number): Promise<Ct2Variable> {
  const name = await fields.text();
  const rank = await fields.u8();
  if (rank > MAX_RANK) throw fields.malformed(`a shape of ${rank} dimensions`, name);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.push(await fields.u32());
  const type = await fields.u8();
  const dtype = version < 4 ? BY_SIZE.get(type) : DTYPES[type];
  if (dtype === undefined) throw fields.malformed(`a type that is not known (${type})`, name);
  const width = DTYPE_BITS[dtype] / 8;
  const said = (await fields.u32()) * (version < 4 ? width : 1);
  // The product of eight numbers of 32 bits is no whole number any more, but never too small a one.
  const bytes = shape.reduce((product, size) => product * size, width);
  if (bytes !== said) throw fields.malformed(`its shape needs ${bytes} bytes, ${said} are said to follow`, name);
  const begin = fields.skip(said, name);
  return { name, dtype, shape, begin, end: begin + said };
}

async function readAliases(
  fields: FieldReader,
  variables: ReadonlyMap<string, Ct2Variable>,
): Promise<ReadonlyMap<string, string>> {
  const aliases = new Map<string, string>();
  const count = await fields.count(MAX_TENSORS, "aliases");
  for (let i = 0; i < count; i++) {
    const [alias, name] = [await fields.text(), await fields.text()];
    if (variables.has(alias) || aliases.has(alias))
      throw fields.malformed("an alias is a name that stands there already", alias);
    if (!variables.has(name)) throw fields.malformed("an alias of a variable that is not there", alias);
    aliases.set(alias, name);
  }
  return aliases;
}
