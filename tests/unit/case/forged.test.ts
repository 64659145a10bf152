import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { openCase } from "../../../src/case/add-results.ts";
import { redactCase } from "../../../src/case/case-document.ts";
import { withEntry } from "../../../src/case/custody-log.ts";
import { addResults, type CaseDocument, sealCase, unprovenCase, verifyCase } from "../../../src/case/index.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import {
  type CaseFiles,
  readDocument,
  readSealed,
  SEALER,
  sealAnything,
  sealedCaseFiles,
  verifyFiles,
  WHEN,
} from "../../support/case-files.ts";
import { keyPair } from "../../support/certificates.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { signedModel, signerOf, trustOf } from "../../support/signed-model.ts";

const directory = scratchDirectory();
let files: CaseFiles;
let open: CaseDocument;
let sealed: CaseDocument;
const at = (name: string) => join(files.directory, name);

beforeAll(async () => {
  files = await sealedCaseFiles({}, directory);
  await addResults(files.open, [files.result], WHEN);
  open = readDocument(files.open);
  await sealCase(files.open, at("two.json"), signerOf(SEALER), WHEN);
  sealed = readSealed(at("two.json")).document;
});

/** A copy of a value in which one place holds another. */
function changed(document: CaseDocument, change: (copy: CaseDocument & Record<string, never>) => void): CaseDocument {
  const copy = structuredClone(document) as CaseDocument & Record<string, never>;
  change(copy);
  return copy;
}

const LIES: readonly (readonly [string, (copy: CaseDocument) => void])[] = [
  ["an entry was dropped", ({ log }) => void log.splice(1, 1)],
  ["the last entry was dropped", ({ log }) => void log.pop()],
  ["entries were exchanged", ({ log }) => void log.splice(1, 2, log[2]!, log[1]!)],
  ["an entry stands twice", ({ log }) => void log.splice(1, 0, log[1]!)],
  ["who did it was changed", ({ log }) => void Object.assign(log[1]!, { by: "somebody" })],
  ["when was changed", ({ log }) => void Object.assign(log[0]!, { time: "2026-01-02T03:04:05.678Z" })],
  ["the tool was changed", ({ log }) => void Object.assign(log[0]!.environment.tool, { version: "9" })],
  ["the title was changed", (copy) => void Object.assign(copy, { title: "another" })],
  ["a note was added", ({ notes }) => void notes.push("more")],
  ["a result was dropped", ({ results }) => void results.pop()],
  ["a result was put in", ({ results }) => void results.push(results[0]!)],
  ["a verdict was changed", ({ results }) => void Object.assign(results[0]!.result, { verdict: "no-evidence" })],
  ["a result is of another input", ({ results }) => void Object.assign(results[0]!.inputs[0]!, { name: "base" })],
  ["an input was dropped", ({ inputs }) => void inputs.pop()],
  ["an input was put in", ({ inputs }) => void inputs.push({ ...inputs[0]!, name: "more" })],
  ["an input stands twice", ({ inputs }) => void inputs.push(inputs[0]!)],
  ["a digest was changed", ({ inputs }) => void Object.assign(inputs[0]!.digests, { sampledRoot: "0".repeat(64) })],
  [
    "the digest of a file was changed",
    ({ inputs }) => void Object.assign(inputs[0]!.files![0]!, { sha256: "0".repeat(64) }),
  ],
];

describe("the log", () => {
  it.each(LIES)("tells that %s, in an open case", async (_, lie) => {
    writeFileSync(at("lie.json"), JSON.stringify(changed(open, lie)));
    await expect(addResults(at("lie.json"), [files.result], WHEN)).rejects.toMatchObject({ code: "CASE_LOG_BROKEN" });
    await expect(sealCase(at("lie.json"), at("no"), signerOf(SEALER), WHEN)).rejects.toMatchObject({
      code: "CASE_LOG_BROKEN",
    });
  });

  it.each(LIES)("tells that %s, under a seal that holds", async (_, lie) => {
    await sealAnything(at("lie.json"), changed(sealed, lie));
    const report = await verifyFiles({ ...files, sealed: at("lie.json") });
    expect(report).toMatchObject({ holds: false, code: "CASE_LOG_BROKEN", case: null, inputs: [], results: [] });
    expect(report.sentence).toMatch(/^The case does not hold: .*\. Nothing that it says was tested\.$/);
    expect(report.signedBy).not.toBeNull();
  });

  it("tells any other byte of an open case, but where things lay, which the seal vouches for", async () => {
    await otherBytes("case.json", async (file) => {
      const { tool: _, redacted: __, ...found } = redactCase(await openCase(at(file)));
      // As JSON: 0 with a sign is the same number.
      const same = JSON.stringify({ ...redactCase(open), redacted: open.redacted });
      expect(JSON.stringify({ ...open, ...found })).toBe(same);
    });
  });

  it("is of a case that says of its paths what is so", async () => {
    const lie = { ...sealed, redacted: true };
    await sealAnything(at("lie.json"), lie);
    expect(await verifyFiles({ ...files, sealed: at("lie.json") })).toMatchObject({ code: "CASE_LOG_BROKEN" });
    writeFileSync(at("lie.json"), JSON.stringify({ ...open, redacted: true }));
    await expect(addResults(at("lie.json"), [], WHEN)).rejects.toMatchObject({ code: "CASE_LOG_BROKEN" });
  });

  it("goes no further than a seal, and a sealed case has one", async () => {
    const options = { by: null, note: null, time: null, environment: sealed.log[0]!.environment };
    const on = withEntry(sealed, { whole: true }, { ...options, action: "preservation" });
    const unsealed = { ...sealed, log: sealed.log.slice(0, -1) };
    const empty = withEntry(unsealed, {}, { ...options, action: "preservation" });
    for (const document of [on, unsealed, empty]) {
      await sealAnything(at("lie.json"), document);
      expect(await verifyFiles({ ...files, sealed: at("lie.json") })).toMatchObject({ code: "CASE_LOG_BROKEN" });
    }
    writeFileSync(at("lie.json"), JSON.stringify(sealed));
    await expect(addResults(at("lie.json"), [], WHEN)).rejects.toMatchObject({ code: "CASE_LOG_BROKEN" });
  });
});

/** Runs a check on copies of a file of which one byte is another; it may refuse what it is given. */
async function otherBytes(name: string, check: (file: string) => Promise<void>): Promise<void> {
  const bytes = readFileSync(at(name));
  const place = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(place, async ([i, flip]) => {
      const other = Uint8Array.from(bytes);
      other[i]! ^= flip;
      writeFileSync(at("lie.json"), other);
      await check("lie.json").catch((error) => {
        if (!(error instanceof WeightmarkError)) throw error;
        expect(error.kind).toBe("refused");
      });
    }),
    { numRuns: 150 },
  );
}

describe("a seal", () => {
  const verify = (name: string, trust = trustOf(SEALER)) => verifyCase(at(name), trust, WHEN);

  it("is that of one key, over every byte", async () => {
    expect(await verify("two.json", trustOf(keyPair()))).toMatchObject({
      holds: false,
      code: "SIGNATURE_KEY_MISMATCH",
      signedBy: null,
      results: [],
    });
    const { bundle, statement } = readSealed(at("two.json"));
    statement.predicate.results[0].result.verdict = "no-evidence";
    bundle.dsseEnvelope.payload = Buffer.from(JSON.stringify(statement)).toString("base64");
    writeFileSync(at("lie.json"), JSON.stringify(bundle));
    expect(await verify("lie.json")).toMatchObject({ holds: false, code: "SIGNATURE_INVALID", signedBy: null });
  });

  it.each([
    ["ed25519", generateKeyPairSync("ed25519")],
    ["rsa", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["secp256k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" })],
  ])("is not made or verified by %s", async (_, pair) => {
    const code = "SIGNING_KEY_UNSUPPORTED";
    const pem = pair.publicKey.export({ type: "spki", format: "pem" }) as string;
    await expect(verify("two.json", { publicKey: { pem } })).rejects.toMatchObject({ code });
    const privateKey = { pem: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string };
    await expect(sealCase(files.open, at("no"), { privateKey }, WHEN)).rejects.toMatchObject({ code });
  });

  it("is of a case and nothing else", async () => {
    const { signature, key } = await signedModel();
    await expect(verifyCase(signature, trustOf(key), WHEN)).rejects.toMatchObject({ code: "SIGNATURE_UNSUPPORTED" });
    const { statement } = readSealed(at("two.json"));
    const wrong: readonly (readonly [string, unknown])[] = [
      ["SIGNATURE_UNSUPPORTED", { ...statement, predicateType: "https://github.com/weightmark/weightmark/case/v2" }],
      ["SIGNATURE_UNSUPPORTED", { ...statement, _type: "https://in-toto.io/Statement/v0.1" }],
      ["CASE_MALFORMED", { ...statement, subject: [] }],
      ["CASE_MALFORMED", { ...statement, more: 1 }],
      ["CASE_MALFORMED", { ...statement, predicate: { ...statement.predicate, log: [] } }],
      ["CASE_MALFORMED", [statement]],
      ["RESULT_VERSION", { ...statement, predicate: { ...statement.predicate, schema: "weightmark/case@2" } }],
    ];
    for (const [code, payload] of wrong) {
      await sealAnything(at("lie.json"), Buffer.from(JSON.stringify(payload)));
      await expect(verify("lie.json")).rejects.toMatchObject({ code });
    }
    const twice = JSON.stringify(statement).replace('{"_type"', '{"_type":"x","_type"');
    await sealAnything(at("lie.json"), Buffer.from(twice));
    await expect(verify("lie.json")).rejects.toMatchObject({ code: "CASE_MALFORMED" });
  });

  it("is refused by a code wherever it is cut off", async () => {
    for (const name of ["two.json", "case.json"]) {
      const bytes = readFileSync(at(name));
      for (let length = 0; length < bytes.length - 1; length += Math.ceil(bytes.length / 40)) {
        writeFileSync(at("lie.json"), bytes.subarray(0, length));
        await expect(verify("lie.json")).rejects.toMatchObject({ code: "CASE_MALFORMED" });
      }
    }
  });

  it("holds for no other case, whatever byte of the file is another", async () => {
    await otherBytes("two.json", async (file) => {
      const { holds, code } = await verify(file);
      if (holds) expect(readSealed(at(file)).document).toEqual(sealed);
      else expect(code).toMatch(/^SIGNATURE_/);
    });
  });

  it("is looked for in files of a size that a case has", async () => {
    writeFileSync(at("large.json"), Buffer.alloc((64 << 20) + 1, " "));
    await expect(verify("large.json")).rejects.toMatchObject({ code: "CASE_LIMIT" });
    writeFileSync(at("deep.json"), "[".repeat(1 << 20));
    await expect(verify("deep.json")).rejects.toMatchObject({ code: "CASE_MALFORMED" });
  });

  it("may be on a case that does not say what its results are of", async () => {
    const options = { by: null, note: null, time: null, environment: open.log[0]!.environment };
    const [record] = open.results;
    const inputs = open.inputs.map(({ name }) => name);
    let lie: CaseDocument = { ...open, results: [{ ...record!, inputs: record!.inputs.slice(1) }], log: [] };
    lie = withEntry(lie, { whole: true }, { ...options, action: "identification" });
    lie = withEntry(lie, { inputs, results: [1] }, { ...options, action: "collection" });
    await sealAnything(at("lie.json"), withEntry(lie, { whole: true }, { ...options, action: "preservation" }));
    const report = await verifyFiles({ ...files, sealed: at("lie.json") });
    const details = ["the case does not say which input is its suspect"];
    expect(report.results).toMatchObject([{ status: "not-checked", details }]);
  });

  it("need not hold for the case to be shown", async () => {
    const bytes = readFileSync(at("two.json"));
    expect(unprovenCase(bytes, "two.json")).toEqual(sealed);
    expect(unprovenCase(readFileSync(files.open), "case.json")).toBeNull();
    expect(() => unprovenCase(bytes.subarray(0, 5000), "two.json")).toThrow(/no signature that can be read/);
  });
});
