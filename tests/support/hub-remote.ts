import { onTestFinished } from "vitest";
import type { Remote } from "../../src/checkpoint/remote.ts";
import { openRemote, type RemoteSettings } from "../../src/checkpoint/remote-environment.ts";
import { serializeSafetensors } from "../../src/formats/safetensors/writer.ts";
import { type Hub, type HubOptions, type RepositorySource, startHub } from "./hub/hub.mjs";

/** A safetensors file of one-byte tensors with these names. */
export function weights(...names: string[]): Uint8Array {
  return serializeSafetensors(names.map((name, i) => ({ name, dtype: "U8", shape: [1], data: Uint8Array.of(i) })));
}

/** A stand-in that is gone when the test ends. */
export async function hubOf(
  repositories: Readonly<Record<string, RepositorySource>>,
  options: Partial<HubOptions> = {},
): Promise<Hub> {
  const hub = await startHub({ repositories: new Map(Object.entries(repositories)), ...options });
  onTestFinished(() => hub.close());
  return hub;
}

/** What reaches it, without waits between tries, closed when the test ends. */
export async function remoteOf(
  endpoint: string | Pick<Hub, "endpoint">,
  settings: Partial<RemoteSettings> = {},
): Promise<Remote> {
  const remote = await openRemote(
    {
      endpoint: typeof endpoint === "string" ? endpoint : endpoint.endpoint,
      token: null,
      hubCache: null,
      offline: false,
      ...settings,
    },
    { tries: 1 },
  );
  onTestFinished(() => remote.client.close());
  return remote;
}
