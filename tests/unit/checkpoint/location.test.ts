import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { localPath, shownLocation } from "../../../src/checkpoint/location.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import { describeInputs, type Found, isItem, type ScanInputs } from "../../../src/scan/inputs.ts";
import { openScanList } from "../../../src/scan/scan-list.ts";
import { refusal } from "../../support/refusal.ts";
import { inputsOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { tinyModel, writeModel } from "../../support/tiny-model.ts";

async function found(inputs: ScanInputs): Promise<Found[]> {
  const all: Found[] = [];
  for await (const one of enumerateTargets(inputs, { include: [], exclude: [], remote: null })) all.push(one);
  return all;
}

describe("file URLs", () => {
  it("are read as the paths that they name, opened or scanned, from a list too", async () => {
    const directory = writeModel(join(temporaryDirectory(), "a model, 100 %"), tinyModel(1));
    const url = pathToFileURL(directory).href;
    for (const location of [url, `${url}/model.safetensors`, url.replace("file:", "FILE:")]) {
      const checkpoint = await openCheckpoint(location);
      await checkpoint.close();
      expect(checkpoint.location.startsWith(directory)).toBe(true);
    }
    const list = await openScanList([Buffer.from(`${url}\n`)] as unknown as AsyncIterable<Uint8Array>, "list");
    for (const inputs of [inputsOf(url), { locations: [], organisations: [], list }]) {
      expect(await found(inputs)).toMatchObject([{ id: directory, location: directory, name: "a model, 100 %" }]);
    }
    await list.close();
  });

  it.each(["file://elsewhere/model", "file:///model%2Fx", "file:///%E9"])("are refused like %s", async (url) => {
    const error = await refusal(openCheckpoint(url), "HTTP_ADDRESS_INVALID");
    expect(error).toMatchObject({ file: url, detail: "Write file:///path, or the path itself." });
    expect(await found(inputsOf(url))).toMatchObject([{ status: "failed", failure: { code: "HTTP_ADDRESS_INVALID" } }]);
  });

  it("tell nothing secret where they are refused", async () => {
    const error = await refusal(openCheckpoint("file://user:secret@elsewhere/model"), "HTTP_ADDRESS_INVALID");
    expect(error.file).toBe("file://elsewhere/model");
    expect(JSON.stringify(await found(inputsOf("file://user:secret@elsewhere/model")))).not.toContain("secret");
    expect(shownLocation("file:///models/a@b/c")).toBe("file:///models/a@b/c");
  });

  it("are no paths", () => {
    for (const path of ["file:/a", "./file:///a", "a", "C:\\a"]) expect(localPath(path)).toBe(path);
  });
});

describe("addresses that nobody reads", () => {
  it.each([
    ["s3://bucket/model", "addresses of s3:// are not read", "aws s3 cp"],
    ["gs://bucket/model.safetensors", "addresses of gs:// are not read", "gcloud storage cp"],
    [
      "abfss://container@account/model",
      "addresses of abfss:// are not read",
      "Copy the model to this machine first, or",
    ],
  ])("are refused like %s, with a way out", async (location, message, detail) => {
    const error = await refusal(openCheckpoint(location), "HTTP_ADDRESS_INVALID");
    expect(error).toMatchObject({ message, detail: expect.stringContaining(detail) });
    expect(error.detail).toContain("https://");
    expect(await found(inputsOf(location))).toMatchObject([{ status: "failed", failure: { message } }]);
  });

  it("keep what is secret in them to themselves", async () => {
    const location = "s3://AKIA:se/cret@bucket/model?X-Amz-Signature=abc";
    const error = await refusal(openCheckpoint(location), "HTTP_ADDRESS_INVALID");
    const [item] = await found(inputsOf(location));
    expect(isItem(item!) && item.failure?.code).toBe("HTTP_ADDRESS_INVALID");
    for (const text of [error.file, JSON.stringify(item), describeInputs(inputsOf(location))]) {
      expect(`${text}`).toContain("s3://bucket/model");
      expect(`${text}`).not.toMatch(/AKIA|cret|abc/);
    }
    expect(shownLocation("./s3:/a@b?c")).toBe("./s3:/a@b?c");
    expect(shownLocation("file:///a@b/c")).toBe("file:///a@b/c");
  });
});
