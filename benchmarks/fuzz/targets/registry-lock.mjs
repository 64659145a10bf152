import { createHash } from "node:crypto";
import { holderText, ownHolder, ownSpace, parseHolder, standingOf } from "../../../dist/src/registry/lock-holder.js";
import { roughly } from "../bytes.mjs";
import { must } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";

const SPACE = ownSpace();
const TOKEN = createHash("sha256").update("token").digest("hex").slice(0, 24);

/** Locks that somebody left in a registry: of each it is told whether its process still runs. */
export const target = {
  name: "registry-lock",
  extension: "json",
  make(random) {
    // Of no process of this machine in particular: the same seed makes the same input everywhere.
    const holder = {
      pid: 1,
      host: "host",
      pidNamespace: "pid:[1]",
      boot: "boot",
      started: "1",
      token: TOKEN,
      beats: true,
    };
    return roughly(random, random.chance(0.1) ? JSON.stringify(holder) : changedJson(random, holder));
  },
  async check(bytes) {
    const holder = parseHolder(Buffer.from(bytes).toString("utf8"));
    if (holder === null) return;
    const written = holderText(holder);
    must(holderText(parseHolder(written)) === written, "a lock is written otherwise once it was read");
    // As if it were of this machine, where its process is looked for.
    for (const one of [holder, { ...holder, ...SPACE }, { ...ownHolder(SPACE, TOKEN), pid: holder.pid }]) {
      must(["alive", "gone", "elsewhere"].includes(standingOf(one, SPACE, () => false)), "a lock of nobody");
    }
  },
};
