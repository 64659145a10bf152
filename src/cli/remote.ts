import type { Command } from "commander";
import { WeightmarkError } from "../errors.ts";
import type { Checkpoint, OpenOptions, RemoteSettings } from "../index.ts";
import { type LinkOptions, linksOf, withLocalModels } from "./local-models.ts";

/** Flags of the commands that take a MODEL which may be an address. */
export interface RemoteOptions extends LinkOptions {
  readonly revision?: string;
  readonly tokenFile?: string;
  readonly offline?: boolean;
}

/** How a MODEL can be written, for `--help`. */
export const MODEL = "file, directory, hf:org/name[@revision], https://... or adapter+base";

/** There is no --token: everybody on the machine may see the command line of a process (CWE-214). */
export function withRemote(command: Command): Command {
  command.option("--revision <revision>", "branch, tag or commit of an hf: model that names none");
  return withLocalModels(withAccess(command));
}

/** The flags that say how the Hub is reached, for commands whose models name their revisions. */
export function withAccess(command: Command): Command {
  return command
    .option("--token-file <file>", "a token for the Hub (default: HF_TOKEN, or that of hf auth login)")
    .option("--offline", "read hf: models from the Hub's cache or not at all");
}

/** Whether a location is an address: the library's `isRemoteLocation`, for before the library is loaded. */
export function isAddress(location: string): boolean {
  return location.startsWith("hf:") || isWebAddress(location);
}

/** Behind an adapter, of `adapter+base`. */
const NEXT_ADDRESS = /\+(?=hf:|https?:\/\/|file:\/\/)/i;

/** The location itself, and what it would name before and behind a "+". */
export function sidesOf(location: string): readonly string[] {
  const signs = [...location.matchAll(/\+/g)].map(({ index }) => index);
  return [location, ...signs.flatMap((at) => [location.slice(0, at), location.slice(at + 1)])].filter(
    (one) => one !== "",
  );
}

function isWebAddress(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** An address without its query, in which signatures and tokens may stand; a path as it is. */
export function shownLocation(location: string): string {
  const [first, ...others] = location.split(NEXT_ADDRESS);
  if (others.length > 0) return [first!, ...others].map(shownLocation).join("+");
  if (!isWebAddress(location)) return location;
  return URL.canParse(location) ? new URL(location).origin + new URL(location).pathname : "the address";
}

/** Puts --revision into the one hf: model that names none. */
export function atRevision(models: readonly string[], { revision }: RemoteOptions): string[] {
  if (revision === undefined) return [...models];
  const open = models.filter((model) => /^hf:[^@]*$/.test(model) && !NEXT_ADDRESS.test(model));
  if (open.length !== 1) {
    throw new WeightmarkError("USAGE", "--revision is for one model hf:org/name that names no revision itself", {
      detail: "Write hf:org/name@revision.",
    });
  }
  return models.map((model) => (model === open[0] ? withRevision(model, revision) : model));
}

function withRevision(model: string, revision: string): string {
  const [, id = model, path = ""] = /^(hf:[^/]*\/[^/]*)(\/.*)?$/.exec(model) ?? [];
  return `${id}@${encodeURIComponent(revision)}${path}`;
}

/** Refuses addresses where files are needed. */
export function requireLocal(location: string, why: string): void {
  if (!isAddress(location)) return;
  throw new WeightmarkError("USAGE", `${why}, so it has to be on this machine`, {
    file: shownLocation(location),
    detail: "Download it first, such as with `hf download org/name --local-dir DIR`.",
  });
}

/** How the Hub is reached: what the flags say, else the environment. */
export async function settingsOf({ tokenFile, offline }: RemoteOptions): Promise<RemoteSettings> {
  const { readTokenFile } = await import("../checkpoint/hub/token.ts");
  const { remoteSettings } = await import("../index.ts");
  if (tokenFile === undefined) return remoteSettings(process.env, { offline });
  const token = readTokenFile(tokenFile);
  if (token === null) {
    throw new WeightmarkError("FILE_NOT_FOUND", "there is no token in this file", {
      file: tokenFile,
      detail: "Name a file that holds a token of the Hub and nothing else.",
    });
  }
  return remoteSettings(process.env, { offline, token });
}

/** `openCheckpoint` with what the flags say. */
export async function openModel(
  location: string,
  options: RemoteOptions,
  opening: Omit<OpenOptions, "remote" | "allowLinks"> = {},
): Promise<Checkpoint> {
  const { openCheckpoint } = await import("../index.ts");
  return openCheckpoint(location, { ...opening, ...(await accessOf(location, options)) });
}

/** Where links may lead, and how the Hub is reached if the model is far away: a token that cannot be read matters only then. */
export async function accessOf(
  location: string,
  options: RemoteOptions,
): Promise<Pick<OpenOptions, "remote" | "allowLinks">> {
  const allowLinks = await linksOf(options);
  return isAddress(location) || NEXT_ADDRESS.test(location)
    ? { allowLinks, remote: await settingsOf(options) }
    : { allowLinks };
}
