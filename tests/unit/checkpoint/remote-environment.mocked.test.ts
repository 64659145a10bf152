import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { bearerToken, openRemote, remoteSettings } from "../../../src/checkpoint/remote-environment.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

vi.mock("node:os", { spy: true });

afterEach(() => {
  vi.mocked(homedir).mockReset();
});

/** Nobody's home. */
const HOME = { HF_HOME: NOWHERE };

describe("settings", () => {
  it("are those of the Hub's own clients", () => {
    const settings = remoteSettings({ ...HOME, HF_TOKEN: " hf_x\n", HF_ENDPOINT: "https://hub.corp/hf//" });
    expect(settings).toEqual({
      endpoint: "https://hub.corp/hf",
      token: "hf_x",
      hubCache: join(NOWHERE, "hub"),
      offline: false,
    });
    expect(remoteSettings({ ...HOME, HF_ENDPOINT: "" })).toMatchObject({
      endpoint: "https://huggingface.co",
      token: null,
    });
  });

  test.each<[object, string]>([
    [{ HF_HUB_CACHE: "/a", HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/a"],
    [{ HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/b"],
    [{ HF_HUB_CACHE: "", HF_HOME: "/c", XDG_CACHE_HOME: "/d" }, "/c/hub"],
    [{ XDG_CACHE_HOME: "/d", HF_TOKEN: "t" }, "/d/huggingface/hub"],
    [{ HF_TOKEN: "t" }, join(homedir(), ".cache/huggingface/hub")],
    [{ HF_HUB_CACHE: "~/x", HF_TOKEN: "t" }, join(homedir(), "x")],
  ])("take the cache of %j", (env, cache) => {
    expect(remoteSettings(env as Record<string, string>).hubCache).toBe(cache);
  });

  test.each([
    ["1", true],
    ["yes", true],
    ["0", false],
    ["", false],
  ])("are offline by HF_HUB_OFFLINE=%j: %s", (value, offline) => {
    expect(remoteSettings({ ...HOME, HF_HUB_OFFLINE: value }).offline).toBe(offline);
  });

  it("give way to what the command line says", () => {
    const env = { ...HOME, HF_TOKEN: "hf_env", HF_HUB_OFFLINE: "1" };
    const overrides = { token: "hf_file", offline: false, hubCache: null, endpoint: "http://localhost:1" };
    expect(remoteSettings(env, overrides)).toEqual(overrides);
    expect(remoteSettings(env, { offline: undefined, token: undefined })).toMatchObject({
      token: "hf_env",
      offline: true,
    });
  });

  test.each([
    ["hf-mirror.com", /^HF_ENDPOINT does not begin with https:/],
    ["hf-mirror.com:8080", /^HF_ENDPOINT does not begin with https:/],
    ["ftp://hf-mirror.com", /^HF_ENDPOINT is no address of https or http$/],
    ["https://", /^HF_ENDPOINT cannot be read/],
    ["https://me:hunter2@hf-mirror.com", /^HF_ENDPOINT holds a name or password$/],
    ["https://hf-mirror.com?token=hunter2", /^HF_ENDPOINT holds a query$/],
  ])("name the variable of an endpoint that is none: %s", (value, message) => {
    const error = thrown(() => remoteSettings({ ...HOME, HF_ENDPOINT: value }));
    expect(error).toMatchObject({ code: "HTTP_ADDRESS_INVALID", kind: "usage" });
    expect(error.message).toMatch(message);
    expect(`${error.message} ${error.detail} ${error.file}`).not.toContain("hunter2");
    expect(thrown(() => remoteSettings(HOME, { endpoint: value })).message).toMatch(/^the endpoint /);
  });

  it("need no home directory: without one nobody has logged in or downloaded here", () => {
    vi.mocked(homedir).mockImplementation(() => {
      throw new Error("ENOENT: uv_os_homedir");
    });
    expect(remoteSettings({})).toMatchObject({ token: null, hubCache: null });
    expect(remoteSettings({ HF_HOME: "~/hf", HF_TOKEN_PATH: "~/token" })).toMatchObject({
      token: null,
      hubCache: null,
    });
    expect(remoteSettings(HOME).hubCache).toBe(join(NOWHERE, "hub"));
    expect(remoteSettings({ XDG_CACHE_HOME: NOWHERE }).hubCache).toBe(join(NOWHERE, "huggingface", "hub"));
  });

  it("find the token of a login, in the home of the Hub or where they are told", () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, "token"), "hf_login\n");
    expect(remoteSettings({ HF_HOME: home }).token).toBe("hf_login");
    writeFileSync(join(home, "other"), "hf_other");
    expect(remoteSettings({ HF_HOME: home, HF_TOKEN_PATH: join(home, "other") }).token).toBe("hf_other");
    writeFileSync(join(home, "token"), "\n");
    expect(remoteSettings({ HF_HOME: home }).token).toBeNull();
  });

  it("refuse what is no token without showing it", () => {
    const home = temporaryDirectory();
    const values = ["hf_two words", "hf_x\r\nx-evil: 1", "hf_\u00e9", "x".repeat(5000)];
    for (const value of values) {
      writeFileSync(join(home, "token"), value);
      for (const env of [{ ...HOME, HF_TOKEN: value }, { HF_HOME: home }]) {
        const error = thrown(() => remoteSettings(env));
        expect(error.code).toBe("USAGE");
        expect(`${error.message} ${error.detail} ${error.file}`).not.toContain(value.slice(0, 6));
      }
    }
    mkdirSync(join(home, "directory"));
    expect(thrown(() => remoteSettings({ ...HOME, HF_TOKEN_PATH: join(home, "directory") })).code).toBe(
      "FILE_UNREADABLE",
    );
  });

  test.each(["hub", "ftp://hub", "https://u:p@hub", "https://hub?x=1", "file:///x"])(
    "refuse the endpoint %s",
    (endpoint) => {
      const error = thrown(() => remoteSettings({ ...HOME, HF_ENDPOINT: endpoint }));
      expect(error.code).toBe("HTTP_ADDRESS_INVALID");
      if (endpoint.includes("?")) expect(error.detail).toMatch(/^Set HF_ENDPOINT to what stands before/);
    },
  );
});

function thrown(work: () => unknown): WeightmarkError {
  try {
    work();
  } catch (error) {
    if (error instanceof WeightmarkError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("the token", () => {
  test.each([
    ["https://hub.corp/hf", "https://hub.corp"],
    ["http://127.0.0.1:8817", "http://127.0.0.1:8817"],
    ["http://localhost:1", "http://localhost:1"],
    ["http://hub.corp", null],
    ["http://10.0.0.1", null],
    ["http://127.0.0.1.hub.corp", null],
  ])("for %s is shown to %s", (endpoint, origin) => {
    expect(bearerToken({ endpoint, token: "hf_x" }, {})).toEqual(origin === null ? null : { value: "hf_x", origin });
    expect(bearerToken({ endpoint, token: null }, {})).toBeNull();
  });

  it.each([
    [{ http_proxy: "http://proxy:1" }, false],
    [{ HTTP_PROXY: "http://proxy:1", NO_PROXY: "example.org" }, false],
    [{ http_proxy: "http://proxy:1", no_proxy: "example.org, localhost" }, true],
    [{ http_proxy: "http://proxy:1", no_proxy: "*" }, true],
    [{ https_proxy: "http://proxy:1" }, true],
  ])("shows no token readable to a proxy: %j", (env, sent) => {
    const token = bearerToken({ endpoint: "http://localhost:8817", token: "hf_x" }, env);
    expect(token?.value ?? null).toBe(sent ? "hf_x" : null);
    expect(bearerToken({ endpoint: "https://huggingface.co", token: "hf_x" }, env)?.value).toBe("hf_x");
  });

  it("is the client's alone", async () => {
    const remote = await openRemote({ endpoint: "https://hub.corp", token: "hf_x", hubCache: null, offline: false });
    expect(Object.keys(remote).sort()).toEqual(["client", "endpoint", "hubCache", "offline"]);
    expect(JSON.stringify(remote)).not.toContain("hf_x");
    await remote.client.close();
  });
});
