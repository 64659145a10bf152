import { describe, expect, it } from "vitest";
import { kindOfTar, kindOfZip } from "../../../src/formats/foreign/archive.ts";

/** The header of a file in a zip archive, and some bytes of the file. */
function zipped(name: string, length = name.length): string {
  const low = String.fromCharCode(length & 0xff);
  const high = String.fromCharCode(length >> 8);
  return `PK\x03\x04${"\0".repeat(22)}${low}${high}\0\0${name}bytes`;
}

const zip = (...names: string[]) => kindOfZip(names.map((name) => zipped(name)).join(""));

describe("a zip archive", () => {
  it.each([
    ["model/data.pkl", "pytorch"],
    ["model/data/0", "pytorch"],
    ["model/data/12", "pytorch"],
    ["model/code/__torch__.py", "torchScript"],
    ["model/constants.pkl", "torchScript"],
    ["model/archive_format", "torchExport"],
    ["model/models/model.json", "torchExport"],
    ["model/data/weights/weight_12", "torchExport"],
    ["a.b.npy", "numpyArchive"],
    ["model.weights.h5", "keras"],
  ])("with %s in it is of kind %s", (name, kind) => {
    expect(zip(name)).toBe(kind);
    expect(zip("version", "readme.txt", name, "more")).toBe(kind);
  });

  it.each([
    "data.pkl",
    "a/b/data.pkl",
    "a/data.pkl2",
    "a/data/x",
    "a/data/1x",
    "data/1",
    "constants.pkl",
    "a/b/constants.pkl",
    "a/archive_format2",
    "a/models/b/c.json",
    "a/data/weights/weight_",
    "a/data/weights/weight_1x",
    "a.npy2",
    "npy",
    "model.weights.h5x",
    "x.model.weights.h5",
    "a/model.weights.h5",
  ])("with nothing but %s in it is any archive", (name) => {
    expect(zip(name)).toBe("zip");
  });

  it("is told by the more telling of its files, whichever comes first", () => {
    expect(zip("m/data.pkl", "m/constants.pkl")).toBe("torchScript");
    expect(zip("m/constants.pkl", "m/data.pkl")).toBe("torchScript");
    expect(zip("m/data.pkl", "m/constants.pkl", "m/archive_format")).toBe("torchExport");
  });

  it("has names of any length", () => {
    expect(zip(`${"d".repeat(300)}/data.pkl`)).toBe("pytorch");
    expect(zip(`${"d".repeat(256 - "/data.pkl".length)}/data.pkl`)).toBe("pytorch");
  });

  it("is not told by a name that is cut off", () => {
    const whole = zipped("m/data.pkl").slice(0, -"bytes".length);
    expect(kindOfZip(whole)).toBe("pytorch");
    // What is left of the name would tell.
    expect(kindOfZip(zipped("m/data.pkl", 16).slice(0, -"bytes".length))).toBe("zip");
    expect(kindOfZip(zipped("m/data.pkl", 16))).toBe("zip");
    for (let length = 4; length < whole.length; length++) expect(kindOfZip(whole.slice(0, length))).toBe("zip");
  });

  it("is told by its first thousand names", () => {
    const others = (count: number) => Array.from({ length: count }, () => "x");
    expect(zip(...others(999), "m/data.pkl")).toBe("pytorch");
    expect(zip(...others(1000), "m/data.pkl")).toBe("zip");
  });

  it("begins with the header of a file", () => {
    expect(kindOfZip("")).toBeNull();
    expect(kindOfZip("PK\x03")).toBeNull();
    expect(kindOfZip(` ${zipped("m/data.pkl")}`)).toBeNull();
  });
});

describe("a tar archive", () => {
  /** The header of a file in a tar archive, which is 512 bytes long. */
  const entry = (name: string) => `${name.padEnd(257, "\0")}ustar\x0000`.padEnd(512, "\0");

  it.each([
    "model_config.yaml",
    "./model_config.yaml",
    "model_weights.ckpt",
    "./model_weights.ckpt",
    "model_weights/",
    "./model_weights/metadata.json",
  ])("with %s first is a NeMo archive", (name) => {
    expect(kindOfTar(entry(name))).toBe("nemo");
    expect(kindOfTar(entry("./") + entry(name))).toBe("nemo");
  });

  it.each([
    "",
    "config.yaml",
    "weights/model_config.yaml",
    "x./model_config.yaml",
    "/model_config.yaml",
    "model_config.json",
    "model_weights.pt",
    "model_weights",
    "model",
    "MODEL_CONFIG.YAML",
  ])("with %j first is any archive", (name) => {
    expect(kindOfTar(entry(name))).toBe("tar");
    expect(kindOfTar(entry("./") + entry(name))).toBe("tar");
  });

  it("is not told by its third file, nor by what follows a name", () => {
    expect(kindOfTar(entry("a") + entry("b") + entry("model_config.yaml"))).toBe("tar");
    expect(kindOfTar(entry("a\0model_config.yaml"))).toBe("tar");
  });

  it("says that it is one at byte 257", () => {
    expect(kindOfTar(`${"x".repeat(257)}ustar`)).toBe("tar");
    expect(kindOfTar(`${"x".repeat(256)}ustar`)).toBeNull();
    expect(kindOfTar(`${"x".repeat(258)}ustar`)).toBeNull();
    expect(kindOfTar(`${"x".repeat(257)}usta`)).toBeNull();
    expect(kindOfTar("model_config.yaml")).toBeNull();
  });
});
