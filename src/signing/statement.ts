import { z } from "zod";
import { WeightmarkError } from "../errors.ts";
import { HASH_DIGITS, HASH_NAMES, type Manifest, type Resource, resourceName, rootDigest } from "./manifest.ts";
import { isCanonicalPath, parseShardName } from "./resource-name.ts";
import { parseStrictJson } from "./strict-json.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://model_signing/signature/v1.0";
const BEFORE_1_0 = "https://model_signing/Digests/v0.1";
/** The reference implementation calls a model of one file so in its manifest; the specification calls it by its name. */
const LONE_FILE = /^\.$/;
const LONE_SHARD = /^\.(?=:\d+:\d+$)/;

const typesSchema = z.object({ _type: z.string(), predicateType: z.string() });
const serialization = { hash_type: z.enum(HASH_NAMES), allow_symlinks: z.boolean(), ignore_paths: z.array(z.string()) };
const statementSchema = z.object({
  subject: z.tuple([z.object({ name: z.string().min(1), digest: z.object({ sha256: z.string() }) })]),
  predicate: z.object({
    // A parameter that is not known could change what everything else means.
    serialization: z.discriminatedUnion("method", [
      z.strictObject({ method: z.literal("files"), ...serialization }).partial({ ignore_paths: true }),
      z
        .strictObject({ method: z.literal("shards"), shard_size: z.int().min(1), ...serialization })
        .partial({ ignore_paths: true }),
    ]),
    resources: z.array(z.object({ name: z.string(), algorithm: z.string(), digest: z.string() })).min(1),
  }),
});
type Predicate = z.infer<typeof statementSchema>["predicate"];

/** The statement of in-toto that is signed: same manifest, same bytes. */
export function writeStatement(manifest: Manifest): Uint8Array {
  const { name, serialization, resources } = manifest;
  const { hash, shardSize, allowSymlinks, ignorePaths } = serialization;
  const algorithm = algorithmOf(hash, shardSize);
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: rootDigest(resources) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      serialization: {
        method: shardSize === null ? "files" : "shards",
        hash_type: hash,
        ...(shardSize === null ? {} : { shard_size: shardSize }),
        allow_symlinks: allowSymlinks,
        ignore_paths: ignorePaths,
      },
      resources: resources.map((resource) => ({ name: resourceName(resource), algorithm, digest: resource.digest })),
    },
  };
  return Buffer.from(JSON.stringify(statement));
}

/**
 * What the algorithm of a shard is called. The specification says the hash alone; the reference implementation (1.1.1) writes the
 * size as well and takes nothing else.
 */
function algorithmOf(hash: string, shardSize: number | null): string {
  return shardSize === null ? hash : `${hash}-sharded-${shardSize}`;
}

/**
 * The manifest in a statement whose signature holds.
 *
 * @param file the signature, as messages call it
 * @throws SIGNATURE_MALFORMED, SIGNATURE_UNSUPPORTED
 */
export function readStatement(payload: Uint8Array, file: string): Manifest {
  const malformed = (why: string) =>
    new WeightmarkError("SIGNATURE_MALFORMED", `what was signed is wrong: ${why}`, { file });
  const fits = <T>(schema: z.ZodType<T>, value: unknown): T => {
    const { success, data, error } = schema.safeParse(value);
    if (success) return data;
    const issue = error.issues[0]!;
    throw malformed(`${issue.path.join(".") || "the whole"}: ${issue.message}`);
  };
  const json = parseStrictJson(payload, malformed);
  requireTypes(fits(typesSchema, json), file);
  const { subject, predicate } = fits(statementSchema, json);
  const { name, digest } = subject[0];
  const resources = resourcesOf(predicate, name, malformed);
  if (rootDigest(resources) !== digest.sha256) throw malformed("its root digest is not that of its resources");
  const { method, hash_type, allow_symlinks, ignore_paths: ignorePaths = [] } = predicate.serialization;
  if (!ignorePaths.every(isCanonicalPath)) throw malformed("a path that it leaves out is not canonical");
  const shardSize = method === "shards" ? predicate.serialization.shard_size : null;
  return { name, serialization: { hash: hash_type, shardSize, allowSymlinks: allow_symlinks, ignorePaths }, resources };
}

function requireTypes({ _type, predicateType }: z.infer<typeof typesSchema>, file: string): void {
  if (_type === STATEMENT_TYPE && predicateType === PREDICATE_TYPE) return;
  const what =
    predicateType === BEFORE_1_0
      ? "it was made before OpenSSF Model Signing v1.0 was"
      : "what was signed is no statement of OpenSSF Model Signing v1.0";
  throw new WeightmarkError("SIGNATURE_UNSUPPORTED", what, { file });
}

function resourcesOf(
  { serialization, resources }: Predicate,
  model: string,
  malformed: (why: string) => Error,
): Resource[] {
  const { hash_type: hash, method } = serialization;
  const shardSize = method === "shards" ? serialization.shard_size : null;
  const algorithms = new Set([hash, algorithmOf(hash, shardSize)]);
  const digest = new RegExp(`^[0-9a-f]{${HASH_DIGITS[hash]}}$`);
  const names = new Set<string>();
  const dot = shardSize === null ? LONE_FILE : LONE_SHARD;
  const isLone = isCanonicalPath(model) && resources.every(({ name }) => dot.test(name));
  return resources.map((found) => {
    if (!algorithms.has(found.algorithm)) throw malformed(`a resource is not hashed with ${hash}`);
    if (!digest.test(found.digest)) throw malformed(`a digest is not one of ${hash}`);
    if (names.has(found.name)) throw malformed("two resources have one name");
    names.add(found.name);
    const name = isLone ? found.name.replace(dot, () => model) : found.name;
    const resource = shardSize === null ? fileOf(name) : parseShardName(name);
    if (resource === null) throw malformed("the name of a resource is not canonical");
    if (shardSize !== null && !isShard(resource.range!, shardSize))
      throw malformed("a shard is not of the size that it says");
    return { ...resource, digest: found.digest };
  });
}

function fileOf(name: string): Omit<Resource, "digest"> | null {
  return isCanonicalPath(name) ? { path: name, range: null } : null;
}

function isShard([start, end]: readonly [number, number], size: number): boolean {
  return start % size === 0 && end - start <= size;
}
