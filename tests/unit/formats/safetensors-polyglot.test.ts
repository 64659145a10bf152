import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { refusal } from "../../support/refusal.ts";

/** A file of one tensor with these bytes. */
function file(...parts: readonly Uint8Array[]): Uint8Array {
  const data = Buffer.concat(parts);
  return serializeSafetensors([{ name: "w", dtype: "U8", shape: [data.length], data }]);
}

/** What a zip archive ends with: where its directory lies, how long that is, and how long a comment follows. */
function record({ start = 0, bytes = 0, comment = 0 } = {}): Buffer {
  const found = Buffer.from(`PK\x05\x06${"\0".repeat(18)}`, "latin1");
  found.writeUInt32LE(bytes, 12);
  found.writeUInt32LE(start, 16);
  found.writeUInt16LE(comment, 20);
  return found;
}

const read = (bytes: Uint8Array) => readSafetensorsHeader(memorySource(bytes, "f"));
const refused = (bytes: Uint8Array) => refusal(read(bytes), "ST_POLYGLOT");
const taken = async (bytes: Uint8Array) => expect((await read(bytes)).tensors.size).toBe(1);

describe("a file that ends as a zip archive does", () => {
  it("is refused as an attack", async () => {
    const error = await refused(file(record()));
    expect(error).toMatchObject({
      file: "f",
      message: "the file is a zip archive as well as safetensors",
      detail: "No tool that trains or converts models writes such a file: treat it as an attack.",
    });
    await refused(file(Buffer.alloc(100), record()));
    await refused(file(Buffer.alloc(70_000), record()));
  });

  it("is one where the record's comment ends with the file", async () => {
    for (const comment of [1, 255, 256, 65_535]) {
      const bytes = Buffer.alloc(comment);
      await refused(file(Buffer.alloc(9), record({ comment }), bytes));
      await taken(file(Buffer.alloc(9), record({ comment: comment - 1 }), bytes));
      if (comment < 65_535) await taken(file(Buffer.alloc(9), record({ comment: comment + 1 }), bytes));
    }
    // No comment is as long as this.
    await taken(file(record({ comment: 65_535 }), Buffer.alloc(65_536)));
  });

  it("is one where the directory lies before the record, or is said to lie in a larger one", async () => {
    for (const before of [Buffer.alloc(100), Buffer.alloc(70_000)]) {
      const at = file(before, record()).length - 22;
      await refused(file(before, record({ start: at })));
      await refused(file(before, record({ start: at - 46, bytes: 46 })));
      await taken(file(before, record({ start: at - 45, bytes: 46 })));
      await taken(file(before, record({ start: at + 1 })));
      await taken(file(before, record({ bytes: at + 1 })));
      await taken(file(before, record({ start: 0xfffffffe })));
      await refused(file(before, record({ start: 0xffffffff, bytes: 0xffffffff })));
    }
  });

  it("is one wherever in its end a record fits, though others do not", async () => {
    const unfit = record({ comment: 7 });
    await refused(file(record({ comment: 22 }), unfit));
    await refused(file(unfit, record()));
    await refused(file(record({ comment: 44 }), unfit, unfit));
    await refused(file(record({ comment: 8 }), Buffer.from("PK\x05\x06PK\x05\x06")));
    await taken(file(unfit, unfit, unfit));
  });

  it("is none where the record is cut off, or lies in the header", async () => {
    await taken(file(Buffer.alloc(30), record().subarray(0, 21)));
    await taken(file(record().subarray(0, 21)));
    await taken(file(Buffer.from("PK\x05\x06")));
    await taken(file(record({ comment: 9 }).subarray(1), Buffer.alloc(9)));
    await taken(file(Buffer.alloc(0)));
    const data = Uint8Array.of(1);
    const named = serializeSafetensors([{ name: "PK\x05\x06".padEnd(22, "\0"), dtype: "U8", shape: [1], data }]);
    await taken(named);
  });
});
