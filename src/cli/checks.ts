import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { serializeSafetensors } from "../formats/safetensors/writer.ts";
import { fingerprint as fingerprintCheckpoint, openCheckpoint, WeightmarkError } from "../index.ts";
import { machineLimit } from "../machine-limit.ts";
import { engines } from "../quality/index.ts";
import { digestOf } from "../registry/digest.ts";
import { defaultRegistryDirectory, isDatabaseUrl, openAnyCandidates, redactUrl } from "../registry/index.ts";
import { undoOnExit } from "../unfinished.ts";
import { inFlags } from "./advice.ts";
import type { Check } from "./check.ts";
import { machineChecks, proxyCheck } from "./machine-checks.ts";

/** BLAKE3 of no bytes: the first of the published test vectors. */
const BLAKE3_OF_NOTHING = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

/** Everything a command may need, tried for real. Only what is required can fail. Without a `registry`, the default one is. */
export async function runChecks(registry: string | undefined): Promise<Check[]> {
  return [
    nodeCheck(),
    ...machineChecks(),
    kernelCheck(),
    await workerCheck(),
    ...engineChecks(),
    proxyCheck(),
    await registryCheck(registry),
  ];
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const supported = major > 20 || (major === 20 && minor >= 19);
  return { name: "node", status: supported ? "ok" : "failed", detail: `${process.version}, needs 20.19 or later` };
}

function kernelCheck(): Check {
  try {
    const right = digestOf("") === BLAKE3_OF_NOTHING;
    const detail = right ? "WebAssembly SIMD kernels compute a known BLAKE3" : "the kernels compute a wrong BLAKE3";
    return { name: "kernels", status: right ? "ok" : "failed", detail };
  } catch (error) {
    return { name: "kernels", status: "failed", detail: reason(error) };
  }
}

/** A tiny model, written, opened and read by a worker thread. */
async function workerCheck(): Promise<Check> {
  const name = "workers";
  let directory: string | null = null;
  const remove = () => {
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
  };
  const settled = undoOnExit(remove);
  try {
    directory = await mkdtemp(join(tmpdir(), "weightmark-doctor-"));
    const path = join(directory, "model.safetensors");
    const data = new Uint8Array(new Float32Array(64).map((_, i) => Math.sin(i)).buffer);
    await writeFileAtomic(path, serializeSafetensors([{ name: "w", dtype: "F32", shape: [8, 8], data }]));
    const checkpoint = await openCheckpoint(path);
    const { tensors } = await fingerprintCheckpoint(checkpoint, { depth: "full", threads: 1 }).finally(() =>
      checkpoint.close(),
    );
    const right = tensors[0]?.content === digestOf(data);
    return {
      name,
      status: right ? "ok" : "failed",
      detail: right ? "a worker thread read a test model" : "a worker thread read it wrongly",
    };
  } catch (error) {
    return { name, status: "failed", detail: reason(error) };
  } finally {
    try {
      remove();
    } catch {
      // A disk that takes no deletions either is told of by the check itself.
    }
    settled();
  }
}

/** The default engine has to work; the others are optional, and absent is a normal state. */
function engineChecks(): Check[] {
  return engines().map(({ name, engine, reason: why }, i) => ({
    name: `engine ${name}`,
    status: engine !== null ? "ok" : i === 0 ? "failed" : "absent",
    detail: engine !== null ? "multiplied matrices as it should" : (why ?? "not installed"),
  }));
}

async function registryCheck(named: string | undefined): Promise<Check> {
  const name = "registry";
  let location: string;
  try {
    location = named ?? defaultRegistryDirectory();
  } catch (error) {
    return { name, status: "failed", detail: reason(error) };
  }
  const shown = isDatabaseUrl(location) ? redactUrl(location) : location;
  try {
    const registry = await openAnyCandidates(location);
    await registry.close();
    return { name, status: "ok", detail: `${shown}: ${registry.entries} registered` };
  } catch (error) {
    const absent = error instanceof WeightmarkError && error.code === "REGISTRY_NOT_FOUND";
    // To have no registry is a normal state: nothing need be done about it.
    const next = absent || !(error instanceof WeightmarkError) ? "" : `. ${inFlags(error.detail)}`;
    return { name, status: absent ? "absent" : "failed", detail: `${shown}: ${reason(error)}${next}` };
  }
}

/** Why something does not work, and what helps. */
function reason(error: unknown): string {
  const known = machineLimit(error) ?? error;
  if (known instanceof WeightmarkError) return `${known.message}. ${inFlags(known.detail)}`;
  return known instanceof Error ? known.message : String(known);
}
