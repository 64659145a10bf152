import { join } from "node:path";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { registryContract } from "../../support/registry.contract.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const directory = scratchDirectory();
const clock = () => "2026-01-02T03:04:05.000Z";
let count = 0;

registryContract("files", {
  directory,
  create: () => openRegistry(join(directory, `registry-${count++}`), { create: true, clock }),
  reopen: (registry) => openRegistry(registry.location, { clock, create: true }),
});
