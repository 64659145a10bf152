import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { watermarkCapacity } from "../../../src/watermark/capacity.ts";
import { embedAt, storeModel } from "../../support/keyed-model.ts";
import { refusal } from "../../support/refusal.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { gaussianLlama } from "../../support/spread-model.ts";

const place = scratchDirectory();
const RHO = 0.02;
const [published, own] = [1, 2].map((seed) =>
  storeModel(join(place, `model-${seed}`), gaussianLlama(seed, { layers: 2 })),
);

async function registered(path: string) {
  const registry = await openRegistry(join(place, "registry"), { create: true });
  await using checkpoint = await openCheckpoint(path);
  await registry.add(await fingerprintCheckpoint(checkpoint), { name: "public" });
  return registry;
}

describe("the guard against marking a public base", () => {
  test("protects users of the library as well, and lets pass what comes from none", async () => {
    const publicBases = await registered(published!);
    const refused = await refusal(
      embedAt(published!, join(place, "refused"), { publicBases, rho: RHO }),
      "PUBLIC_BASE",
    );
    expect(refused).toMatchObject({ file: published, message: expect.stringContaining("registered base public") });
    expect(existsSync(join(place, "refused"))).toBe(false);
    await embedAt(own!, join(place, "own"), { publicBases, rho: RHO, sketch: false });
    expect(existsSync(join(place, "own"))).toBe(true);
  });

  test("has to be answered: who says nothing has not said that nothing was public", async () => {
    const silent = { publicBases: undefined, rho: RHO } as unknown as { readonly publicBases: null };
    await refusal(embedAt(published!, join(place, "silent"), silent), "USAGE");
    await embedAt(published!, join(place, "private"), { publicBases: null, rho: RHO, sketch: false });
    expect(existsSync(join(place, "private"))).toBe(true);
  });

  test("and the question what fits can be given up", async () => {
    await using checkpoint = await openCheckpoint(own!);
    const reason = new Error("enough");
    await expect(watermarkCapacity(checkpoint, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await watermarkCapacity(checkpoint, { rho: RHO })).payloadBits).toBeGreaterThan(0);
  });
});
