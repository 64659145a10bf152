import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  describeKeyFile,
  generateKeyFile,
  readKeyFile,
  resealKeyFile,
  rotateKeyFile,
} from "../../../../src/watermark/key/key-file.ts";
import { modelKey } from "../../../../src/watermark/key/model-key.ts";
import { refusal } from "../../../support/refusal.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";
const isRoot = process.getuid?.() === 0;
/** The cheapest that a key file may ask for: tests guess no passphrases. */
const cost = { n: 1 << 14, r: 8, p: 1 };
const now = () => new Date("2026-03-04T05:06:07.008Z");
const PASSPHRASE = "correct horse battery staple";

async function newKey(options: { passphrase?: string | null; release?: string } = {}) {
  const path = join(temporaryDirectory(), "k.key");
  const { passphrase = null, release } = options;
  const description = await generateKeyFile(path, { passphrase, release, now, cost });
  return { path, description, text: readFileSync(path, "utf8") };
}

/** The file with its text changed, and without the check that would tell; mode kept. */
function rewrite(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8").replace(/,\n {2}"check": "[0-9a-f]{32}"/, "");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

function masterIn(text: string): string {
  return /"unsealed": "([0-9a-f]{64})"/.exec(text)![1]!;
}

describe("a key file", () => {
  it("says what it is, one field a line", async () => {
    const { path, description, text } = await newKey({ passphrase: PASSPHRASE, release: "llama 3" });
    expect(description).toEqual({
      format: "weightmark/key-file@2",
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      release: "llama 3",
      created: "2026-03-04T05:06:07.008Z",
      replaces: null,
      sealed: true,
      exposed: false,
    });
    expect(await describeKeyFile(path)).toEqual(description);
    const fields = text.trim().split("\n").slice(1, -1);
    expect(fields.map((line) => /^ {2}"(\w+)": .+?,?$/.exec(line)![1])).toEqual([
      ...["format", "id", "release", "created", "replaces", "kdf", "sealed", "check"],
    ]);
  });

  it.each([null, PASSPHRASE])("gives the key again, passphrase %s", async (passphrase) => {
    const { path, description } = await newKey({ passphrase, release: "r" });
    const [one, two] = [await readKeyFile(path, passphrase), await readKeyFile(path, passphrase)];
    expect(one).toMatchObject({ id: description.id, release: "r" });
    expect(one.layerSubkey("spread/coins", 3)).toEqual(two.layerSubkey("spread/coins", 3));
    expect(one.layerSubkey("spread/coins", 3)).not.toEqual(one.layerSubkey("spread/map", 3));
    expect(one.layerSubkey("spread/coins", 3)).not.toEqual(one.layerSubkey("spread/coins", 4));
    expect(one.layerSubkey("spread/coins", 3)).toHaveLength(32);
  });

  it("of the first version is what it was: one subkey for all layers, and sealed again as what it is", async () => {
    const master = "00".repeat(31);
    const path = join(temporaryDirectory(), "old.key");
    const { id } = modelKey(Buffer.from(`${master}07`, "hex"), "r");
    const about = { format: "weightmark/key-file@1", id, release: "r", created: now().toISOString(), replaces: null };
    writeFileSync(path, JSON.stringify({ ...about, unsealed: `${master}07` }), { mode: 0o600 });
    const key = await readKeyFile(path, null);
    expect(key.id).toBe("3563c020008d1064");
    expect(key.layerSubkey("spread/coins", 3)).toEqual(key.subkey("spread/coins"));
    expect(key.sharedSubkey("chip-plan")).toEqual(key.subkey("chip-plan"));
    const again = await resealKeyFile(path, `${path}.2`, null, { passphrase: "x", cost });
    expect(again).toMatchObject({ format: "weightmark/key-file@1", id, sealed: true });
    expect((await readKeyFile(`${path}.2`, "x")).subkey("a")).toEqual(key.subkey("a"));
  });

  it("is sealed at a cost of 128 MiB unless told otherwise, and named after the day", async () => {
    const path = join(temporaryDirectory(), "k");
    expect(await generateKeyFile(path, { passphrase: "x", now })).toMatchObject({ release: "2026-03-04" });
    expect(JSON.parse(readFileSync(path, "utf8")).kdf).toMatchObject({ name: "scrypt", n: 131_072, r: 8, p: 1 });
    await readKeyFile(path, "x");
  });

  it("holds another master, salt and nonce every time", async () => {
    const [one, two] = [await newKey({ passphrase: "x" }), await newKey({ passphrase: "x" })];
    for (const field of ["id", "salt", "iv", "ciphertext"]) {
      const value = ({ text }: { text: string }) => new RegExp(`"${field}": ?"([0-9a-f]+)"`).exec(text)![1];
      expect(value(one), field).not.toBe(value(two));
    }
  });

  it.runIf(onPosix)("is for its owner alone from the start, whatever the umask", async () => {
    const old = process.umask(0);
    try {
      const { path } = await newKey();
      expect(statSync(path).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(old);
    }
  });

  it.runIf(onPosix)("is refused unsealed when others can read or write it", async () => {
    const { path } = await newKey();
    // Files of root may be read by their group.
    if (isRoot) chownSync(path, 4321, 4321);
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777, 0o444, 0o440]) {
      chmodSync(path, mode);
      const { detail } = await refusal(readKeyFile(path, null), "KEY_FILE_PERMISSIONS");
      expect(detail).toContain("chmod 600");
      await refusal(describeKeyFile(path), "KEY_FILE_PERMISSIONS");
      await refusal(resealKeyFile(path, `${path}.2`, null, { passphrase: "x", cost }), "KEY_FILE_PERMISSIONS");
    }
    chmodSync(path, 0o400);
    await readKeyFile(path, null);
    const link = `${path}.link`;
    symlinkSync(path, link);
    await readKeyFile(link, null);
    chmodSync(path, 0o644);
    await refusal(readKeyFile(link, null), "KEY_FILE_PERMISSIONS");
  });

  it.runIf(isRoot)("of root may be read by its group, as secrets are mounted for others than root", async () => {
    const { path } = await newKey();
    chownSync(path, 0, 4321);
    for (const [mode, refused] of [
      [0o440, false],
      [0o640, false],
      [0o660, true],
      [0o650, true],
      [0o444, true],
      [0o644, true],
    ] as const) {
      chmodSync(path, mode);
      if (refused) await refusal(readKeyFile(path, null), "KEY_FILE_PERMISSIONS");
      else expect(await describeKeyFile(path)).toMatchObject({ exposed: false });
    }
  });

  it.runIf(onPosix)("is no secret while it is sealed, and says that others can read it", async () => {
    const { path, description } = await newKey({ passphrase: PASSPHRASE });
    expect(description.exposed).toBe(false);
    if (isRoot) chownSync(path, 4321, 4321);
    for (const mode of [0o440, 0o444, 0o644, 0o666]) {
      chmodSync(path, mode);
      expect((await readKeyFile(path, PASSPHRASE)).id).toBe(description.id);
      expect(await describeKeyFile(path)).toEqual({ ...description, exposed: true });
    }
    chmodSync(path, 0o600);
    expect(await describeKeyFile(path)).toEqual(description);
  });

  it("never replaces a file", async () => {
    const { path, text } = await newKey();
    await refusal(generateKeyFile(path, { passphrase: null }), "OUTPUT_EXISTS");
    await refusal(rotateKeyFile(path, path, { passphrase: null }), "OUTPUT_EXISTS");
    await refusal(resealKeyFile(path, path, null, { passphrase: null }), "OUTPUT_EXISTS");
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(readdirSync(join(path, ".."))).toEqual(["k.key"]);
  });

  it.each([
    ["", "is empty"],
    ["x".repeat(201), "longer"],
    ["two\nlines", "cannot be seen"],
    ["\u202eturned", "cannot be seen"],
  ])("has a label that can be shown: not %j", async (release, why) => {
    const error = await refusal(newKey({ release }), "USAGE");
    expect(error.message).toContain(why);
  });

  it("is not there, or is none", async () => {
    const directory = temporaryDirectory();
    await refusal(readKeyFile(join(directory, "none"), null), "FILE_NOT_FOUND");
    mkdirSync(join(directory, "d"));
    await refusal(readKeyFile(join(directory, "d"), null), "NOT_A_REGULAR_FILE");
  });
});

describe("a passphrase", () => {
  it("must be given and be the right one", async () => {
    const { path } = await newKey({ passphrase: PASSPHRASE });
    await refusal(readKeyFile(path, null), "KEY_PASSPHRASE_MISSING");
    for (const wrong of ["", `${PASSPHRASE} `, PASSPHRASE.toUpperCase()]) {
      await refusal(readKeyFile(path, wrong), "KEY_PASSPHRASE_WRONG");
    }
    await refusal(newKey({ passphrase: "" }), "USAGE");
  });

  it("is the same however its accents are composed", async () => {
    const { path } = await newKey({ passphrase: "clé".normalize("NFD") });
    await readKeyFile(path, "clé".normalize("NFC"));
  });

  it("authenticates every field", async () => {
    const changes: [string, RegExp, string][] = [
      ["id", /"id": "../, '"id": "ff'],
      ["release", /"release": "/, '"release": "x'],
      ["created", /2026-03-04/, "2026-03-05"],
      ["replaces", /"replaces": null/, '"replaces": "0123456789abcdef"'],
      ["n", /16384/, "32768"],
      ["salt", /"salt":"../, '"salt":"00'],
      ["iv", /"iv":"../, '"iv":"00'],
      ["ciphertext", /"ciphertext":"../, '"ciphertext":"00'],
      ["tag", /"tag":"../, '"tag":"00'],
    ];
    for (const [field, from, to] of changes) {
      const { path } = await newKey({ passphrase: PASSPHRASE });
      rewrite(path, (text) => text.replace(from, to));
      const error = await readKeyFile(path, PASSPHRASE).catch((e) => e);
      expect(error.code, field).toBe("KEY_PASSPHRASE_WRONG");
    }
  });
});

describe("an altered or hostile file", () => {
  it.each<[string, (text: string) => string]>([
    ["another release of a bare master", (t) => t.replace('"release": "', '"release": "x')],
    ["another bare master", (t) => t.replace(/"unsealed": "../, '"unsealed": "zz')],
    ["no JSON", (t) => t.slice(0, -10)],
    ["a second document", (t) => `${t}{}`],
    ["another version", (t) => t.replace("key-file@2", "key-file@3")],
    ["a field too many", (t) => t.replace("{", '{"constructor": 1, ')],
    ["a prototype", (t) => t.replace("{", '{"__proto__": {"release": "x"}, ')],
    ["a field too few", (t) => t.replace(/ {2}"created".*\n/, "")],
    ["no date", (t) => t.replace("2026-03-04", "2026-13-04")],
    ["a terminal escape for a release", (t) => t.replace('"release": "', '"release": "\\u001b[2J')],
    ["a list", () => "[]"],
    ["null", () => "null"],
    ["nothing", () => ""],
    ["half a character", () => "\udc00"],
    ["a megabyte", (t) => t + " ".repeat(1 << 20)],
  ])("is refused: %s", async (_, change) => {
    const { path, text } = await newKey();
    rewrite(path, change);
    const error = await refusal(readKeyFile(path, null), "KEY_FILE_MALFORMED");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(masterIn(text).slice(4, 20));
  });

  it.each([
    ["n", /16384/, String(2 ** 30)],
    ["n", /16384/, "1024"],
    ["n", /16384/, "20000"],
    ["n", /16384/, "-16384"],
    ["n", /16384/, "1e400"],
    ["r", /"r":8/, '"r":4096'],
    ["r", /"r":8/, '"r":0'],
    ["p", /"p":1/, '"p":1000000'],
    ["name", /scrypt/, "pbkdf2"],
    ["salt", /"salt":"[0-9a-f]+"/, '"salt":""'],
  ])("may not decide what scrypt costs us: %s", async (_, from, to) => {
    const { path } = await newKey({ passphrase: "x" });
    rewrite(path, (text) => text.replace(from, to));
    await refusal(readKeyFile(path, "x"), "KEY_FILE_MALFORMED");
  });
});

describe("the next key", () => {
  it("has a master of its own and names the one before", async () => {
    const { path, description, text } = await newKey({ passphrase: PASSPHRASE });
    const output = `${path}.next`;
    const next = await rotateKeyFile(path, output, { passphrase: "other", release: "2", now, cost });
    expect(next).toMatchObject({ replaces: description.id, release: "2", sealed: true });
    expect(next.id).not.toBe(description.id);
    const keys = [await readKeyFile(path, PASSPHRASE), await readKeyFile(output, "other")];
    expect(keys[0]!.subkey("a")).not.toEqual(keys[1]!.subkey("a"));
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("of the same label still is another key", async () => {
    const { path } = await newKey({ release: "r" });
    await rotateKeyFile(path, `${path}.2`, { passphrase: null, release: "r", now });
    expect((await readKeyFile(path, null)).id).not.toBe((await readKeyFile(`${path}.2`, null)).id);
  });

  it("is the same key under another passphrase when resealed", async () => {
    const { path, description } = await newKey({ passphrase: PASSPHRASE });
    await refusal(resealKeyFile(path, `${path}.2`, "wrong", { passphrase: "new", cost }), "KEY_PASSPHRASE_WRONG");
    await refusal(resealKeyFile(path, `${path}.2`, null, { passphrase: "new", cost }), "KEY_PASSPHRASE_MISSING");
    expect(await resealKeyFile(path, `${path}.2`, PASSPHRASE, { passphrase: "new", cost })).toEqual(description);
    const [old, same] = [await readKeyFile(path, PASSPHRASE), await readKeyFile(`${path}.2`, "new")];
    expect(same.subkey("a")).toEqual(old.subkey("a"));
    await refusal(readKeyFile(`${path}.2`, PASSPHRASE), "KEY_PASSPHRASE_WRONG");
    const bare = await resealKeyFile(`${path}.2`, `${path}.3`, "new", { passphrase: null });
    expect(bare.sealed).toBe(false);
    expect((await readKeyFile(`${path}.3`, null)).id).toBe(description.id);
  });
});

it("nothing that is printed of a key shows its material", async () => {
  const { path, text, description } = await newKey();
  const master = masterIn(text);
  const key = await readKeyFile(path, null);
  const printed = [key, description, await describeKeyFile(path)].flatMap((value) => [
    inspect(value, { depth: 9, showHidden: true, getters: true }),
    JSON.stringify(value),
    String(value),
  ]);
  const forms = [master, Buffer.from(master, "hex").toString("base64"), [...Buffer.from(master, "hex")].join(", ")];
  for (const form of [...forms, Buffer.from(key.subkey("a")).toString("hex")]) {
    for (const one of printed) expect(one).not.toContain(form.slice(0, 16));
  }
});
