/**
 * `watermark embed`: a copy is either whole, to the byte, or not there; the next run needs nothing to be cleared away, makes the
 * same bytes, and leaves nothing but the copy and its sketch.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { digestsOf, makeModel, momentIn } from "./harness.mjs";
import { COMMAND, run, succeed } from "./process.mjs";

export async function killEmbed({ work, kills, random }) {
  const at = (...path) => join(work, ...path);
  makeModel(at("model"), 1, { layers: 4, width: 1024, vocabulary: 8000, shards: 3 });
  await succeed(["key", "generate", "-o", at("key"), "--no-passphrase"]);
  const mark = ["--key", at("key"), "--unpublished", "--threads", "2", "--no-progress", "--json"];
  const embed = [COMMAND, "watermark", "embed", at("model"), "-o", "marked", ...mark];
  mkdirSync(at("whole"));
  const undisturbed = await run(embed, { cwd: at("whole") });
  if (undisturbed.code !== 0) throw new Error(undisturbed.stderr);
  const whole = digestsOf(at("whole"));
  const found = { before: 0, during: 0, betweenNames: 0, after: 0 };
  const wrong = [];
  let { ms } = undisturbed;
  for (let kill = 0; kill < kills; kill++) {
    const place = at(`kill-${kill}`);
    mkdirSync(place);
    const killAfter = momentIn(ms, random);
    await run(embed, { cwd: place, killAfter });
    const names = readdirSync(place);
    const isDone = existsSync(join(place, "marked"));
    if (isDone) found.after += 1;
    else if (names.includes("marked.sketch")) found.betweenNames += 1;
    else if (names.length > 0) found.during += 1;
    else found.before += 1;
    if (isDone && digestsOf(place) !== whole) wrong.push(`${kill}: a copy that is not whole after ${killAfter} ms`);
    const again = await run(embed, { cwd: place });
    // Machines that are busy now and then are as slow as they were last.
    if (again.code === 0) ms = again.ms;
    const isRight = isDone ? again.code === 3 && /OUTPUT_EXISTS/.test(again.stderr) : again.code === 0;
    if (!isRight) wrong.push(`${kill}: exit code ${again.code}, ${again.stderr}`);
    else if (digestsOf(place) !== whole) wrong.push(`${kill}: ${readdirSync(place).join(", ")} after ${killAfter} ms`);
    rmSync(place, { recursive: true });
  }
  return { kills, undisturbedMs: Math.round(undisturbed.ms), found, wrong };
}
