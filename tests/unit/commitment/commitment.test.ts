import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { checkCommittedModel } from "../../../src/commitment/check-commitment.ts";
import type { Committed } from "../../../src/commitment/commit.ts";
import {
  type Commitment,
  commitmentDigest,
  serializeCommitment,
  signedBytes,
} from "../../../src/commitment/commitment.ts";
import { commitmentTime, parseFirstSeen } from "../../../src/commitment/commitment-time.ts";
import { openingPath, readOpening } from "../../../src/commitment/opening.ts";
import { readCommitment } from "../../../src/commitment/read-commitment.ts";
import { requireCommitmentPlace, writeCommitment } from "../../../src/commitment/write-commitment.ts";
import { readCertificate } from "../../../src/timestamps/certificate.ts";
import { derSequence } from "../../../src/timestamps/der-writer.ts";
import { layeredKey } from "../../../src/watermark/key/layered-key.ts";
import { modelKey } from "../../../src/watermark/key/model-key.ts";
import { parsePayload } from "../../../src/watermark/message/payload.ts";
import {
  type CommittedModel,
  committed,
  committedModel,
  KEY,
  PAYLOAD,
  withModel,
  writeJson,
} from "../../support/committed-model.ts";
import { refusal } from "../../support/refusal.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { certify, stampToken, timeAuthority } from "../../support/time-authority.ts";

const ROOT = certify();
const CLOCK = timeAuthority(ROOT);
const ROOTS = [readCertificate(ROOT.certificate)];
const directory = scratchDirectory();
let models: CommittedModel;
let made: Committed;

const place = (name: string) => join(directory, name);

function stamped(...tokens: readonly Uint8Array[]): Commitment {
  return { ...made.commitment, timestamps: tokens.map((token) => Buffer.from(token).toString("base64")) };
}

const timeOf = (commitment: Commitment, roots: typeof ROOTS | null, firstSeen: string | null) =>
  commitmentTime(commitment, { roots, firstSeen: firstSeen === null ? null : parseFirstSeen(firstSeen), file: "c" });

beforeAll(async () => {
  models = await committedModel(directory);
  made = await committed(models, { payload: PAYLOAD });
});

describe("a commitment", () => {
  test("says what was committed and gives no secret away", () => {
    const { statement } = made.commitment;
    expect(statement.key).toMatchObject({
      id: KEY.id,
      release: "acme-7b",
      root: Buffer.from(KEY.root).toString("hex"),
    });
    expect(statement.model).toMatchObject({ layers: 8, base: null });
    expect(statement.mark).toMatchObject({ mode: "release", payloadBits: 32 });
    expect(statement.mark.carriers).toContain("spread");
    const text = JSON.stringify(made.commitment);
    for (const secret of [made.opening.marked.content, made.opening.unmarked!.content, made.opening.payload!.hex]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toContain(Buffer.from(KEY.openSlot(0).secret).toString("hex"));
  });

  test("is written with its opening for its owner alone, and read again", async () => {
    const file = place("a.json");
    await requireCommitmentPlace(file);
    await writeCommitment(file, made);
    expect(await readCommitment(file)).toEqual(made.commitment);
    expect(await readOpening(openingPath(file), made.commitment)).toEqual(made.opening);
    if (process.platform !== "win32") expect(statSync(openingPath(file)).mode & 0o777).toBe(0o600);
    await refusal(requireCommitmentPlace(file), "OUTPUT_EXISTS");
    await refusal(writeCommitment(file, made), "OUTPUT_EXISTS");
  });

  test("leaves neither file where one of them cannot get its name", async () => {
    const file = place("half.json");
    writeFileSync(file, "in the way");
    await refusal(writeCommitment(file, made), "OUTPUT_EXISTS");
    await expect(requireCommitmentPlace(place("half.json.opening"))).resolves.toBeUndefined();
    const other = place("other.json");
    writeFileSync(openingPath(other), "in the way");
    await refusal(writeCommitment(other, made), "OUTPUT_EXISTS");
    await expect(readCommitment(other)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });

  test("is refused where the key, the mark, the models or the sketch do not belong together", async () => {
    await refusal(committed(models, { key: modelKey(Buffer.alloc(32), "old") }), "KEY_NOT_LAYERED");
    await refusal(committed(models, { key: layeredKey(Buffer.alloc(32), "b") }), "COMMITMENT_WITHOUT_MARK");
    await refusal(committed(models, { payload: parsePayload("00c0ffef") }), "COMMITMENT_MISMATCH");
    await refusal(
      withModel(models.marked, (unmarked) => committed(models, { unmarked })),
      "COMMITMENT_MISMATCH",
    );
  });

  test.each<[string, string, (c: Commitment) => unknown]>([
    [
      "another root",
      "COMMITMENT_FORGED",
      (c) => ({ ...c, statement: { ...c.statement, key: { ...c.statement.key, root: "0".repeat(64) } } }),
    ],
    [
      "another number of layers",
      "COMMITMENT_FORGED",
      (c) => ({ ...c, statement: { ...c.statement, model: { ...c.statement.model, layers: 9 } } }),
    ],
    ["another signature", "COMMITMENT_FORGED", (c) => ({ ...c, signature: "0".repeat(128) })],
    ["a field too many", "COMMITMENT_MALFORMED", (c) => ({ ...c, more: 1 })],
    ["a prototype", "COMMITMENT_MALFORMED", (c) => JSON.parse(`{"__proto__": {}, ${JSON.stringify(c).slice(1)}`)],
    [
      "another version",
      "COMMITMENT_MALFORMED",
      (c) => ({ ...c, statement: { ...c.statement, format: "weightmark/commitment@2" } }),
    ],
    [
      "no layers",
      "COMMITMENT_MALFORMED",
      (c) => ({ ...c, statement: { ...c.statement, model: { ...c.statement.model, layers: 0 } } }),
    ],
    [
      "half a character",
      "COMMITMENT_MALFORMED",
      (c) => ({ ...c, statement: { ...c.statement, tool: { ...c.statement.tool, version: "\ud800" } } }),
    ],
    ["a list", "COMMITMENT_MALFORMED", () => []],
  ])("that was changed is refused: %s", async (name, code, change) => {
    const file = writeJson(place(`${name}.json`), change(made.commitment));
    await refusal(readCommitment(file), code as "COMMITMENT_FORGED");
  });

  test("that was cut off, or is too large, is refused", async () => {
    const bytes = serializeCommitment(made.commitment);
    for (const length of [0, 1, 100, bytes.length - 3]) {
      writeFileSync(place("cut"), bytes.subarray(0, length));
      await refusal(readCommitment(place("cut")), "COMMITMENT_MALFORMED");
    }
    writeFileSync(place("large"), Buffer.alloc((8 << 20) + 1, 0x20));
    await refusal(readCommitment(place("large")), "COMMITMENT_MALFORMED");
  });

  test("in which a key stands twice is refused, for readers could differ on which one counts", async () => {
    const text = Buffer.from(serializeCommitment(made.commitment)).toString("utf8");
    const twice = text.replace('"release":', '"release": "another", "rele\\u0061se":');
    for (const bad of [twice, text.replace('"signature"', '"timestamps": [], "signature"'), `\ufeff${text}`]) {
      writeFileSync(place("twice"), bad);
      await refusal(readCommitment(place("twice")), "COMMITMENT_MALFORMED");
    }
    const opening = JSON.stringify(made.opening).replace('"marked"', '"unmarked":null,"marked"');
    writeFileSync(place("twice"), opening);
    await refusal(readOpening(place("twice"), made.commitment), "COMMITMENT_MALFORMED");
  });

  test("signs the same bytes whatever the order of its fields", () => {
    const turned = Object.fromEntries(Object.entries(made.commitment.statement).reverse()) as Commitment["statement"];
    expect(signedBytes({ statement: turned })).toEqual(signedBytes(made.commitment));
    expect(commitmentDigest({ statement: turned })).toBe(commitmentDigest(made.commitment));
  });

  test("is held against the models by its opening", async () => {
    const file = writeJson(place("opening"), made.opening);
    const check = (which: "marked" | "unmarked", path: string) =>
      withModel(path, (model) => checkCommittedModel(made.commitment, file, which, model, { threads: 0 }));
    await check("marked", models.marked);
    await check("unmarked", models.unmarked);
    await refusal(check("marked", models.unmarked), "COMMITMENT_MISMATCH");
    await refusal(check("unmarked", models.other), "COMMITMENT_MISMATCH");
    const without = await withModel(models.marked, () => committed(models, { unmarked: undefined, payload: PAYLOAD }));
    await refusal(readOpening(file, without.commitment), "COMMITMENT_MISMATCH");
    const { payload, ...rest } = made.opening;
    writeJson(file, { ...rest, payload: { ...payload, hex: "00c0ffef" } });
    await refusal(readOpening(file, made.commitment), "COMMITMENT_MISMATCH");
    writeJson(file, rest);
    await refusal(readOpening(file, made.commitment), "COMMITMENT_MALFORMED");
  });
});

describe("when a key was committed", () => {
  const at = (time: string) => stampToken(signedBytes(made.commitment), CLOCK, { time });

  test("and before the suspect, is said only where both times are shown", () => {
    const commitment = stamped(at("20260601000000Z"), at("20260501120000Z"));
    expect(timeOf(commitment, ROOTS, "2026-05-02")).toMatchObject({
      by: "2026-05-01T12:00:00.000Z",
      firstSeen: "2026-05-02T00:00:00.000Z",
      order: "before",
      sentence:
        'this key was committed by 2026-05-01T12:00:00.000Z (time stamp of "clock"), before the suspect\'s first appearance at 2026-05-02T00:00:00.000Z (as given by the user)',
    });
    const missing = (...given: Parameters<typeof timeOf>) => {
      const { order, sentence } = timeOf(...given);
      expect(order).toBe("not-shown");
      return sentence;
    };
    expect(missing(commitment, null, "2026-05-02")).toMatch(/no root certificate/);
    expect(missing(commitment, ROOTS, null)).toMatch(/when the suspect was seen first/);
    expect(missing(stamped(), ROOTS, "2026-05-02")).toMatch(/carries no time stamp/);
    expect(missing(stamped(), null, null)).toMatch(/no time stamp; it was not said when/);
  });

  test("and not before the suspect, is refused, by what the clock may be off too", async () => {
    const late = (commitment: Commitment, seen: string) =>
      refusal(
        Promise.resolve().then(() => timeOf(commitment, ROOTS, seen)),
        "COMMITMENT_TOO_LATE",
      );
    await late(stamped(at("20260501120000Z")), "2026-05-01");
    await late(stamped(at("20260501120000Z")), "2026-05-01T12:00:00Z");
    expect(timeOf(stamped(at("20260501120000Z")), ROOTS, "2026-05-01T12:00:01Z").order).toBe("before");
    const unsure = { time: "20260501120000Z", accuracy: derSequence(Uint8Array.of(2, 1, 60)) };
    await late(stamped(stampToken(signedBytes(made.commitment), CLOCK, unsure)), "2026-05-01T12:00:59Z");
  });

  test("is refused where one of its time stamps is of other data, cut off, or leads to no root", async () => {
    const wrong = (
      token: Uint8Array,
      code: "TIMESTAMP_MALFORMED" | "TIMESTAMP_OF_OTHER_DATA" | "TIMESTAMP_UNTRUSTED",
    ) =>
      refusal(
        Promise.resolve().then(() => timeOf(stamped(at("20260501120000Z"), token), ROOTS, "2026-05-02")),
        code,
      );
    await wrong(stampToken(Buffer.from("other"), CLOCK), "TIMESTAMP_OF_OTHER_DATA");
    await wrong(at("20260501120000Z").subarray(0, 300), "TIMESTAMP_MALFORMED");
    await wrong(stampToken(signedBytes(made.commitment), timeAuthority(certify())), "TIMESTAMP_UNTRUSTED");
  });

  test.each(["2026-5-1", "2026-02-30", "tomorrow", "2026-05-01T12:00:00", "2026-05-01T25:00:00Z", ""])(
    "is held against no such date as %s",
    async (text) => {
      await refusal(
        Promise.resolve().then(() => parseFirstSeen(text)),
        "USAGE",
      );
    },
  );
});
