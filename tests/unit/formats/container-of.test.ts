import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { containerOf } from "../../../src/formats/container-of.ts";
import { CONTAINERS } from "../../../src/formats/foreign/containers.ts";
import { FIRST_READ_BYTES } from "../../../src/formats/safetensors/limits.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";

const NOTHING: ReadonlySet<string> = new Set();
/** Weights as they lie in files without a header. */
const RAW = Buffer.from(Float32Array.from({ length: 64 }, (_, i) => (i + 1) / 1024).buffer);

const of = (bytes: Uint8Array, name: string, companions = NOTHING) =>
  containerOf(memorySource(bytes, "elsewhere.onnx"), name, companions);

describe("what a file holds that is called after another container", () => {
  it("is safetensors where a header begins, whatever the name", async () => {
    const file = serializeSafetensors([{ name: "w", dtype: "U8", shape: [2], data: Uint8Array.of(1, 2) }]);
    for (const name of ["pytorch_model.bin", "model.gguf", "model.onnx"]) {
      expect(await of(file, name)).toEqual({
        code: "UNSUPPORTED_CONTAINER",
        what: "safetensors under another name",
        advice: "Name that file itself, for it holds safetensors; in a directory only *.safetensors is read.",
      });
    }
  });

  it("is told by its first bytes before its name", async () => {
    expect(await of(Buffer.from("GGUF\x03\0\0\0"), "model.onnx")).toMatchObject(CONTAINERS.gguf);
    expect(await of(Buffer.from("GGUF"), "model.bin")).toMatchObject(CONTAINERS.gguf);
  });

  it("is told by its name where the bytes cannot tell, with what lies beside", async () => {
    expect(await of(RAW, "model.onnx_data")).toMatchObject({ ...CONTAINERS.onnxData, by: "name" });
    expect(await of(RAW, "net.bin", new Set(["net.param"]))).toMatchObject({ ...CONTAINERS.ncnn, by: "name" });
    expect(await of(RAW, "net.bin")).toBeNull();
  });

  it("is not told by a name that the content belies", async () => {
    expect(await of(RAW, "pytorch_model.bin")).toBeNull();
    expect(await of(RAW, "model.gguf")).toBeNull();
    expect(await of(new Uint8Array(0), "model.gguf")).toBeNull();
  });

  it("is told by the size of the whole file, of which no more is read than needed", async () => {
    // A SavedModel ends where its graph ends.
    const graph = Buffer.concat([Buffer.of(0x0a, 2, 0x0a, 0), Buffer.of(0x12, 0xfc, 0x9f, 6), Buffer.alloc(102_396)]);
    const file = Buffer.concat([Buffer.of(8, 1, 0x12, 0x84, 0xa0, 6), graph]);
    const ranges: [number, number][] = [];
    const whole = memorySource(file);
    const source = {
      ...whole,
      async read(start: number, end: number) {
        ranges.push([start, end]);
        return whole.read(start, end);
      },
    };
    expect(await containerOf(source, "model.bin", NOTHING)).toMatchObject(CONTAINERS.savedModel);
    expect(ranges).toEqual([[0, FIRST_READ_BYTES]]);
    expect(await of(Buffer.concat([file, Buffer.of(0)]), "model.bin")).toBeNull();
  });
});
