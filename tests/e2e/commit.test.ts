import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { challengedLayers } from "../../src/commitment/chosen-layers.ts";
import { generateKeyFile, readKeyFile } from "../../src/watermark/key/key-file.ts";
import { parsePayload } from "../../src/watermark/message/payload.ts";
import { capturedOutput } from "../support/captured-output.ts";
import { keyPair, privatePem, publicPem } from "../support/certificates.ts";
import { embedAt, storeModel } from "../support/keyed-model.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { gaussianLlama } from "../support/spread-model.ts";
import { certify, timeAuthority } from "../support/time-authority.ts";
import { timeServer } from "../support/time-server.ts";

const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};
const ROOT = certify();
const directory = scratchDirectory();
const output = capturedOutput();
const tsa = timeServer(timeAuthority(ROOT));
const at = (name: string) => join(directory, name);

/** Runs the command; what it printed as JSON. */
async function run(code: number, ...args: readonly string[]) {
  Object.assign(output, { stdout: "", stderr: "" });
  expect([await runCommandLine([...args, "--json", "--no-progress"]), code === 0 ? output.stderr : ""]).toEqual([
    code,
    "",
  ]);
  const report = JSON.parse(code === 0 ? output.stdout : output.stderr);
  // biome-ignore lint/suspicious/noExplicitAny: reports of several commands, each checked against its schema
  return requireValid<any>(code === 0 ? report.schema.replace("weightmark/", "") : "error@1", report);
}

const key = ["--key", at("k.key")];

beforeAll(async () => {
  const model = storeModel(at("model"), gaussianLlama(1, { layers: 4, hidden: 256 }), { "config.json": CONFIG });
  await generateKeyFile(at("k.key"), { passphrase: null, release: "acme" });
  await generateKeyFile(at("other.key"), { passphrase: null, release: "acme" });
  const own = await readKeyFile(at("k.key"), null);
  await embedAt(model, at("marked"), { key: own, payload: parsePayload("00c0ffee"), rho: 0.02 });
  writeFileSync(at("root.der"), ROOT.certificate);
});

describe("commit", () => {
  const commitment = at("c.json");
  const made = [
    "commit",
    at("marked"),
    "--unmarked",
    at("model"),
    "--sketch",
    at("marked.sketch"),
    ...key,
    "--threads",
    "0",
  ];
  const roots = ["--tsa-roots", at("root.der")];

  test("writes a stamped commitment and its opening", async () => {
    const report = await run(0, ...made, "--tsa", tsa(), ...roots, "-o", commitment);
    expect(report).toMatchObject({
      schema: "weightmark/commit@1",
      action: "make",
      time: { by: "2026-05-01T12:00:00.000Z" },
    });
    expect(report.written.map(({ path }: { path: string }) => existsSync(path))).toEqual([true, true]);
    requireValid("commitment@1", JSON.parse(readFileSync(commitment, "utf8")));
    expect((await run(3, ...made, "-o", commitment)).error.code).toBe("OUTPUT_EXISTS");
  });

  test("writes nothing where the authority gives nothing, or the key is not the mark's", async () => {
    const before = readdirSync(directory);
    expect((await run(3, ...made, "--tsa", tsa("/moved"), "-o", at("x.json"))).error.code).toBe(
      "HTTP_REDIRECT_REFUSED",
    );
    const wrong = ["commit", at("marked"), "--key", at("other.key"), "--threads", "0", "-o", at("x.json")];
    expect((await run(3, ...wrong)).error.code).toBe("COMMITMENT_WITHOUT_MARK");
    expect(readdirSync(directory)).toEqual(before);
    const nowhere = ["commit", at("none"), ...key, "--tsa", "ftp://tsa.example", "-o", at("x.json")];
    expect((await run(2, ...nowhere)).error.code).toBe("HTTP_ADDRESS_INVALID");
  });

  test("asks nobody where a time stamp that is there already leads to no root that was given", async () => {
    writeFileSync(at("other.der"), certify({ name: "other" }).certificate);
    const more = ["--tsa", tsa("/moved"), "--tsa-roots", at("other.der"), "-o", at("x.json")];
    const { error } = await run(3, "commit", "stamp", commitment, ...more);
    expect(error).toMatchObject({ code: "TIMESTAMP_UNTRUSTED", file: commitment });
  });

  test("stamps, checks, prints and opens", async () => {
    const stamped = await run(0, "commit", "stamp", commitment, "--tsa", tsa(), ...roots, "-o", at("s.json"));
    expect(stamped.time.timestamps).toHaveLength(2);
    const digest = ["--digest", stamped.printed.join(" ")];
    const beside = ["--opening", `${commitment}.opening`, "--marked", at("marked"), "--unmarked", at("model")];
    const checked = await run(
      0,
      "commit",
      "verify",
      at("s.json"),
      ...digest,
      ...key,
      ...beside,
      ...roots,
      "--threads",
      "0",
    );
    expect(checked.checked).toHaveLength(5);
    expect((await run(0, "commit", "print", commitment)).printed).toEqual(stamped.printed);
    const opened = await run(
      0,
      "commit",
      "open",
      commitment,
      ...key,
      "--challenge",
      "c",
      "--opening",
      `${commitment}.opening`,
      "-o",
      at("d.json"),
    );
    expect(opened.opened).toMatchObject({ of: 4, challenge: "c", payload: true });
    requireValid("disclosure@1", JSON.parse(readFileSync(at("d.json"), "utf8")));
    output.stdout = "";
    expect(await runCommandLine(["commit", "print", commitment])).toBe(0);
    expect(output.stdout.split("\n").length).toBeLessThan(40);
  });

  test("lets others verify by opened layers, and says when the key was there only where that is shown", async () => {
    const verify = ["watermark", "verify", at("marked"), "--threads", "0"];
    const by = ["--commitment", commitment, "--disclosure", at("d.json"), "--challenge", "c"];
    const found = await run(0, ...verify, ...by, ...roots, "--first-seen", "2026-06-01");
    expect(found).toMatchObject({
      present: true,
      commitment: { time: { order: "before" }, opened: { layers: [expect.any(Number)] } },
    });
    expect((await run(0, ...verify, ...by)).commitment.time.order).toBe("not-shown");
    expect((await run(3, ...verify, ...by, ...roots, "--first-seen", "2026-05-01")).error.code).toBe(
      "COMMITMENT_TOO_LATE",
    );
    // One of four layers follows from a challenge: that of another may be the same.
    const { digest, opened } = found.commitment;
    const other = [..."abdefghijklm"].find((text) => challengedLayers(digest, 4, text)[0] !== opened.layers[0])!;
    expect((await run(3, ...verify, ...by.slice(0, 4), "--challenge", other)).error.code).toBe(
      "DISCLOSURE_OF_OTHER_LAYERS",
    );
    const rest = await run(0, ...verify, ...key, "--commitment", commitment, "--without", at("d.json"));
    expect(rest).toMatchObject({ present: true, commitment: { opened: null } });
    for (const wrong of [
      [],
      [...key, "--disclosure", "d"],
      ["--disclosure", "d"],
      [...key, "--first-seen", "2026-06-01"],
    ]) {
      expect((await run(2, ...verify, ...wrong)).error.code).toBe("USAGE");
    }
  });

  test("cannot be made earlier than it is by the one who seals a case", async () => {
    const held = ["watermark", "verify", at("marked"), ...key, "--commitment", commitment, ...roots, "--threads", "0"];
    const found = await run(0, ...held, "--first-seen", "2026-06-01");
    const early = JSON.stringify(found).replaceAll("2026-06-01", "2026-04-01");
    writeFileSync(at("early.json"), early);
    const signer = keyPair();
    writeFileSync(at("seal.pem"), privatePem(signer), { mode: 0o600 });
    writeFileSync(at("seal.pub"), publicPem(signer));
    await run(0, "case", "new", at("case"), "--title", "t");
    await run(0, "case", "add", at("case"), at("early.json"));
    await run(0, "case", "seal", at("case"), "-o", at("sealed"), "--private-key", at("seal.pem"));
    const given = ["--weights", `marked=${at("marked")}`, "--weights", `c.json=${commitment}`];
    const verify = ["case", "verify", at("sealed"), "--public-key", at("seal.pub"), ...given, ...key, ...roots];
    expect(await runCommandLine([...verify, "--threads", "0", "--quiet"])).toBe(1);
    expect(output.stdout).toContain("1. changed: ");
    expect(output.stdout).toContain("(COMMITMENT_TOO_LATE)");
  });
});
