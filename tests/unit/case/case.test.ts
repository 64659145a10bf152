import { createHash } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withEntry } from "../../../src/case/custody-log.ts";
import { addResults, newCase, sealCase, verifyCase } from "../../../src/case/index.ts";
import { diffResults } from "../../../src/case/result-difference.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { storedBytes } from "../../../src/checkpoint/stored-bytes.ts";
import { IN_FLAGS } from "../../../src/cli/advice.ts";
import { markedModel, verifyReport } from "../../../src/report/build.ts";
import { renderHtml } from "../../../src/report/html/render-html.ts";
import type { CompareReport } from "../../../src/report/schemas/index.ts";
import { type ModelKey, verifyWatermark } from "../../../src/watermark/index.ts";
import {
  caseFiles,
  openCaseFiles,
  readDocument,
  readSealed,
  SEALER,
  sealAnything,
  sealedCaseFiles,
  TRUST,
  verifyFiles,
  WHEN,
} from "../../support/case-files.ts";
import { scanPageItem, scanPageSummary } from "../../support/page-reports.ts";
import { requireValid } from "../../support/schemas.ts";
import { signerOf } from "../../support/signed-model.ts";
import { testKey } from "../../support/spread-model.ts";

describe("a case", () => {
  it("comes out again for whoever has the file and the weights", async () => {
    const files = await sealedCaseFiles();
    const report = await verifyFiles(files);
    requireValid("case-verify@1", JSON.parse(JSON.stringify(report)));
    expect(report).toMatchObject({
      holds: true,
      code: null,
      sentence: "The seal and the log hold; 1 of 1 results came out again.",
      signedBy: { method: "key" },
      case: { title: "A title", examiner: "A. N. Other", redacted: false, sealedAt: null, entries: 4 },
      environment: { same: true },
    });
    expect(report.results).toMatchObject([{ number: 1, status: "reproduced", details: [] }]);
    expect(report.inputs).toMatchObject([
      { name: "suspect", status: "unchanged", compared: ["files", "sampledRoot", "manifestRoot"] },
      { name: "base", status: "unchanged", compared: ["sampledRoot", "manifestRoot"] },
    ]);
  });

  it("says of everything that was not tested that it was not", async () => {
    const files = await sealedCaseFiles();
    const none = await verifyFiles(files, new Map());
    expect(none.results).toMatchObject([{ status: "missing", details: ["not given: suspect (suspect), base (base)"] }]);
    expect(none.inputs.map(({ status, compared }) => [status, compared])).toEqual([
      ["missing", []],
      ["missing", []],
    ]);
    expect(none.sentence).toBe("The seal and the log hold; 0 of 1 results came out again, inputs are missing for 1.");
    const half = await verifyFiles(files, new Map([["suspect", files.suspect]]));
    expect(half.results).toMatchObject([{ status: "missing", details: ["not given: base (base)"] }]);
    expect(half.inputs.map(({ status }) => status)).toEqual(["unchanged", "missing"]);
  });

  it("is the predicate of an in-toto statement that others read", async () => {
    const { sealed, suspect } = await sealedCaseFiles();
    const { bundle, statement, document } = readSealed(sealed);
    expect(bundle.dsseEnvelope.payloadType).toBe("application/vnd.in-toto+json");
    expect(statement).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://github.com/weightmark/weightmark/case/v1",
    });
    requireValid("case@1", document);
    const digest = createHash("sha256")
      .update(readFileSync(join(suspect, "model.safetensors")))
      .digest("hex");
    expect(statement.subject).toContainEqual({ name: "suspect/model.safetensors", digest: { sha256: digest } });
    expect(statement.subject[0]).toEqual({ name: "log", digest: { sha256: document.log.at(-1)!.digest } });
  });

  it("has the same bytes for the same results, but for times and the signature", async () => {
    const files = await caseFiles();
    const made = await Promise.all(
      ["one.json", "two.json"].map(async (name) => {
        const file = join(files.directory, name);
        await newCase(file, { title: "t", ...WHEN });
        await addResults(file, [files.result], { inputs: files.inputs, ...WHEN });
        await sealCase(file, `${file}.sealed`, signerOf(SEALER), WHEN);
        return [readFileSync(file, "utf8"), JSON.stringify(readSealed(`${file}.sealed`).statement)];
      }),
    );
    expect(made[0]).toEqual(made[1]);
    const file = join(files.directory, "three.json");
    await newCase(file, { title: "t", ...WHEN, clock: () => "2026-01-02T03:04:05.678Z" });
    expect(readDocument(file).log[0]!.time).toBe("2026-01-02T03:04:05.678Z");
  });

  it("can be sealed without paths, and comes out again all the same", async () => {
    const files = await sealedCaseFiles({ redactPaths: true });
    const { document } = readSealed(files.sealed);
    expect(JSON.stringify(document)).not.toContain("secret place");
    expect(JSON.stringify(readDocument(files.open))).toContain("secret place");
    expect(document.results[0]!.file).toEqual({ name: "result.json", digest: null });
    // What the log keeps was made of the reduced form, so that no path can be guessed and tried.
    expect(document.log.slice(0, 3)).toEqual(readDocument(files.open).log);
    const report = await verifyFiles(files);
    expect(report.results[0]).toMatchObject({ status: "reproduced" });
    expect(report.case!.redacted).toBe(true);
  });

  it("names what changed of its inputs, and what that did to its results", async () => {
    const files = await sealedCaseFiles();
    const weights = join(files.suspect, "model.safetensors");
    const bytes = readFileSync(weights);
    for (let i = bytes.length - 400_000; i < bytes.length; i++) bytes[i]! ^= 0x80 * Number(i % 4 === 3);
    writeFileSync(weights, bytes);
    writeFileSync(join(files.suspect, "more.txt"), "x");
    const report = await verifyFiles(files);
    const [suspect] = report.inputs;
    expect(suspect).toMatchObject({ status: "changed" });
    expect(suspect!.details.join("\n")).toMatch(/model\.safetensors is another file: SHA-256 [0-9a-f]{64}, not/);
    expect(suspect!.details.join("\n")).toMatch(/more\.txt was not there\nits sampledRoot is/);
    expect(report.results[0]).toMatchObject({ status: "changed" });
    expect(report.results[0]!.details.join("\n")).toMatch(
      /inputs differ .*\nsuspect \(suspect\) is not what was examined$/s,
    );
    expect(report.sentence).toMatch(
      /0 of 1 results came out again, 1 did not\. 1 of 2 inputs are not what was examined\.$/,
    );
    rmSync(weights);
    const gone = await verifyFiles(files);
    expect(gone.inputs[0]!.details[0]).toBe("model.safetensors is missing");
    expect(gone.results[0]!.details.join("\n")).toMatch(/it could not be computed again: .* \(/);
  });

  it("says of no input that it changed where it could not be reached", async () => {
    const files = await sealedCaseFiles();
    const given = (suspect: string) => verifyFiles(files, new Map([["suspect", suspect]]));
    await expect(given("hf:org/model")).rejects.toMatchObject({ kind: expect.not.stringMatching("bug") });
    const moved = join(files.directory, "moved");
    symlinkSync(join(files.suspect, "model.safetensors"), join(files.base, "link.safetensors"));
    await expect(given(files.base)).rejects.toMatchObject({ code: "PATH_ESCAPES_ROOT" });
    writeFileSync(moved, "no weights");
    expect((await given(moved)).inputs[0]).toMatchObject({ status: "changed" });
  });

  it("tells a verdict that its examiner made up, whatever was sealed", async () => {
    const files = await openCaseFiles();
    const result = JSON.parse(readFileSync(files.result, "utf8")) as CompareReport;
    const forged = join(files.directory, "forged.json");
    writeFileSync(forged, JSON.stringify({ ...result, verdict: "no-evidence", log10P: -2 }));
    await addResults(files.open, [forged], WHEN);
    await sealCase(files.open, files.sealed, signerOf(SEALER), WHEN);
    const report = await verifyFiles(files);
    expect(report.results.map(({ status }) => status)).toEqual(["reproduced", "changed"]);
    expect(report.results[1]!.details).toEqual([
      "verdict differs: recorded no-evidence, now identical",
      "other values differ (/log10P)",
    ]);
  });

  it("says that the tool differs where a result did not come out again by another", async () => {
    const files = await openCaseFiles();
    const document = readDocument(files.open);
    const entry = document.log.at(-1)!;
    const result = { ...document.results[0]!.result, verdict: "derived" } as CompareReport;
    const forged = join(files.directory, "forged.json");
    writeFileSync(forged, JSON.stringify({ ...result, tool: { name: "weightmark", version: "0.0.1" } }));
    await addResults(files.open, [forged], WHEN);
    const { environment } = entry;
    const other = { ...environment, tool: { ...environment.tool, version: "0.0.1", digest: "0".repeat(64) } };
    const options = { action: "preservation", by: null, note: null, time: null, environment: other } as const;
    await sealAnything(files.sealed, withEntry(readDocument(files.open), { whole: true }, options));
    const report = await verifyFiles(files);
    expect(report.environment).toMatchObject({ same: false });
    expect(report.results[0]!.status).toBe("reproduced");
    expect(report.results[1]!.details).toContain("the tool differs: recorded 0.0.1, here 1.2.3");
  });

  it("is the same whatever the command line and the library call options, and not without a caveat", () => {
    const of = (...caveats: string[]) => ({ caveats }) as unknown as CompareReport;
    const differing = (was: CompareReport, is: CompareReport) => diffResults(was, is, true).differs;
    for (const [code, flag] of IN_FLAGS) {
      expect(differing(of(`give \`${code}\` then`), of(`give ${flag} then`)), code).toEqual([]);
    }
    expect(differing(of("give `base`"), of("give it"))).toEqual(["other values differ (/caveats/0)"]);
    expect(differing(of("a", "b"), of("a"))).toEqual(["other values differ (/caveats/1)"]);
  });

  it("is the same where another release of the tool tells more, which is said, and not where it tells less", () => {
    const of = (difference: object) => ({ verdict: "derived", difference }) as unknown as CompareReport;
    const [short, long] = [of({ drift: 1 }), of({ drift: 1, spectra: [2] })];
    const told = "the tool here tells more than the recorded one did (/difference/spectra)";
    expect(diffResults(short, long, false)).toEqual({ differs: [], more: [told] });
    const differs = ["other values differ (/difference/spectra)"];
    expect(diffResults(short, long, true)).toEqual({ differs, more: [] });
    expect(diffResults(long, short, false)).toEqual({ differs, more: [] });
    expect(diffResults(of({ drift: 1 }), of({ drift: 2, more: 1 }), false).differs).toEqual([
      "other values differ (/difference/drift)",
    ]);
  });

  it("keeps inputs of one name apart where a digest tells them apart", async () => {
    const files = await openCaseFiles();
    const result = JSON.parse(readFileSync(files.result, "utf8")) as CompareReport;
    const other = { ...result.inputs.suspect, sampledRoot: "0".repeat(64) };
    writeFileSync(files.result, JSON.stringify({ ...result, inputs: { ...result.inputs, suspect: other } }));
    const document = await addResults(files.open, [files.result], WHEN);
    expect(document.inputs.map(({ name }) => name)).toEqual(["suspect", "base", "suspect-2"]);
    expect(document.results[1]!.inputs.map(({ name }) => name)).toEqual(["suspect-2", "base"]);
    await expect(
      addResults(files.open, [], { inputs: new Map([["suspect-2", files.suspect]]), ...WHEN }),
    ).rejects.toMatchObject({ code: "CASE_INPUT_MISMATCH" });
  });

  it("leaves a file as it was, and nothing beside it, where something is refused", async () => {
    const files = await openCaseFiles();
    const before = readFileSync(files.open, "utf8");
    const names = readdirSync(files.directory);
    const add = (results: readonly string[], inputs: readonly (readonly [string, string])[] = []) =>
      addResults(files.open, results, { inputs: new Map(inputs), ...WHEN });
    const bad = join(files.directory, "secret place", "bad.json");
    const refused = async (code: string, step: Promise<unknown>) => {
      await expect(step).rejects.toMatchObject({ code });
      expect(readFileSync(files.open, "utf8")).toBe(before);
      expect(readdirSync(files.directory)).toEqual(names);
    };
    writeFileSync(bad, "{");
    await refused("RESULT_MALFORMED", add([files.result, bad]));
    writeFileSync(bad, JSON.stringify({ schema: "weightmark/compare@9" }));
    await refused("RESULT_VERSION", add([bad]));
    writeFileSync(bad, before);
    await refused("CASE_RESULT_UNSUPPORTED", add([bad]));
    const result = readFileSync(files.result, "utf8");
    writeFileSync(bad, result.replace(/"summary":"/, '"summary":"\\ud800'));
    await refused("CASE_MALFORMED", add([bad]));
    writeFileSync(bad, result.replace(/"summary":"/, `"summary":"${"x".repeat(33 << 20)}`));
    await refused("CASE_LIMIT", add([bad]));
    await refused("CASE_INPUT_UNKNOWN", add([], [["nobody", files.base]]));
    await refused("FILE_NOT_FOUND", add([], [["base", join(files.directory, "none")]]));
    await refused("FILE_NOT_FOUND", add([join(files.directory, "none")]));
    await refused("OUTPUT_EXISTS", newCase(files.open, { title: "t", ...WHEN }));
    await refused("CASE_MALFORMED", newCase(join(files.directory, "new"), { title: "x".repeat(501), ...WHEN }));
    await refused("CASE_UNSEALED", verifyCase(files.open, TRUST, WHEN));
    await refused("OUTPUT_EXISTS", sealCase(files.open, files.result, signerOf(SEALER), WHEN));
  });

  it("is changed where it lies, and stays as open as it was", async () => {
    const files = await openCaseFiles();
    const link = join(files.directory, "link.json");
    symlinkSync(files.open, link);
    chmodSync(files.open, 0o600);
    await addResults(link, [files.result], WHEN);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(files.open).mode & 0o777).toBe(0o600);
    expect(readDocument(files.open).results).toHaveLength(2);
  });

  it("takes in a search for a mark, and searches again with its key alone", async () => {
    const files = await openCaseFiles();
    const checkpoint = await openCheckpoint(files.suspect);
    const found = await verifyWatermark(checkpoint, { key: testKey(1), threads: 0 });
    await checkpoint.close();
    const run = { version: "1.2.3", startedAt: null, finishedAt: null };
    const inputs = {
      model: markedModel(files.suspect, storedBytes(checkpoint)),
      base: null,
      reference: null,
      tokenizer: null,
    };
    const mark = join(files.directory, "mark.json");
    writeFileSync(mark, JSON.stringify(verifyReport(run, inputs, found)));
    const { results, inputs: known } = await addResults(files.open, [mark], WHEN);
    expect(known).toHaveLength(2);
    expect(results[1]!.inputs).toEqual([{ role: "model", name: "suspect", called: "suspect" }]);
    await sealCase(files.open, files.sealed, signerOf(SEALER), WHEN);
    const verify = (key?: ModelKey) =>
      verifyCase(files.sealed, TRUST, {
        inputs: files.inputs,
        threads: 0,
        ...(key === undefined ? {} : { key }),
        ...WHEN,
      });
    const [none, other, own] = [await verify(), await verify(testKey(2)), await verify(testKey(1))].map(
      (report) => report.results[1]!,
    );
    expect(none).toMatchObject({ status: "not-checked", details: ["the watermark key was not given"] });
    expect(other).toMatchObject({ status: "not-checked" });
    expect(other!.details[0]).toMatch(/^key \w+ was given, and the result is of key \w+$/);
    expect(own).toMatchObject({ status: "reproduced", sentence: `no mark of key ${testKey(1).id} found` });
    writeFileSync(join(files.suspect, "model.safetensors"), "no weights");
    expect((await verify(testKey(1))).results[1]).toMatchObject({ status: "changed" });
  });

  it("takes in scans, of which nothing is computed again", async () => {
    const files = await openCaseFiles();
    const scan = join(files.directory, "scan.jsonl");
    const lines = [scanPageItem("m1"), scanPageItem("m2"), scanPageSummary()].map((one) => JSON.stringify(one));
    writeFileSync(scan, lines.join("\n"));
    const { results } = await addResults(files.open, [scan], WHEN);
    expect(results.map(({ result }) => result.schema.slice(11))).toEqual([
      "compare@1",
      "scan-summary@1",
      "scan-item@1",
      "scan-item@1",
    ]);
    await sealCase(files.open, files.sealed, signerOf(SEALER), WHEN);
    const report = await verifyFiles(files);
    expect(report.results.slice(1).map(({ status, details }) => [status, details])).toEqual(
      Array(3).fill(["not-checked", ["scans are not run again"]]),
    );
    const page = await renderHtml(readDocument(files.open));
    expect(page.match(/<article/g)).toHaveLength(3);
    expect(page).toContain("m2");
  });

  it("waits for whoever changes it, and gives up", async () => {
    const files = await openCaseFiles();
    const all = await Promise.allSettled(
      [1, 2, 3].map(() => addResults(files.open, [files.result], { lockTimeout: 0, ...WHEN })),
    );
    const failed = all.filter((one) => one.status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) expect(reason).toMatchObject({ code: "CASE_LOCKED" });
    expect(readDocument(files.open).results).toHaveLength(1 + all.length - failed.length);
    await Promise.all([1, 2, 3].map(() => addResults(files.open, [files.result], WHEN)));
    expect(readDocument(files.open).results).toHaveLength(4 + all.length - failed.length);
  });

  it("is not sealed empty, and not changed when it is sealed", async () => {
    const files = await caseFiles();
    await newCase(files.open, { title: "t", ...WHEN });
    await expect(sealCase(files.open, files.sealed, signerOf(SEALER), WHEN)).rejects.toMatchObject({
      code: "CASE_EMPTY",
    });
    await addResults(files.open, [files.result], WHEN);
    await sealCase(files.open, files.sealed, signerOf(SEALER), WHEN);
    await expect(addResults(files.sealed, [files.result], WHEN)).rejects.toMatchObject({ code: "CASE_SEALED" });
    await expect(sealCase(files.sealed, `${files.sealed}2`, signerOf(SEALER), WHEN)).rejects.toMatchObject({
      code: "CASE_SEALED",
    });
  });
});
