import { parseAddress, shownAddress } from "../../../dist/src/bytes/http/address.js";
import { parseHubLocation, pinnedLocation } from "../../../dist/src/checkpoint/hub/parse-location.js";
import {
  foreignAddress,
  isRemoteLocation,
  isWebLocation,
  localPath,
  shownLocation,
} from "../../../dist/src/checkpoint/location.js";
import { findWebModel } from "../../../dist/src/checkpoint/web-folder.js";
import * as cli from "../../../dist/src/cli/remote.js";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { subjectName } from "../../../dist/src/lineage/subject-name.js";
import { isDatabaseUrl, parseConnectionUrl, redactUrl } from "../../../dist/src/registry/postgres/connection-url.js";
import { artifactUri, locationUri } from "../../../dist/src/report/scan/location-uri.js";
import { nameFilter } from "../../../dist/src/scan/name-filter.js";
import { parsePayload } from "../../../dist/src/watermark/message/payload.js";
import { changedBytes, utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustBePlain, mustBeReference, mustEqual, mustStayInside } from "../invariant.mjs";

const COMMIT = "c0ffee".repeat(7).slice(0, 40);
/** What stands where secrets stand: no message and no report may hold it. */
const SECRET = "s3cr3tS3CR3T";
const REMOTE = { client: {}, endpoint: "https://huggingface.co", hubCache: null, offline: false };

const PIECES = {
  scheme: [
    "https://",
    "http://",
    "HTTPS://",
    "hf:",
    "hf://",
    "file://",
    "file:///",
    "s3://",
    "gs://",
    "postgres://",
    "postgresql://",
    "ftp://",
    "//",
    "",
    "javascript:",
    "data:",
  ],
  access: ["", "", `user:${SECRET}@`, `${SECRET}@`, "user@", ":@", "@"],
  host: [
    "huggingface.co",
    "models.test",
    "localhost:8080",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "\u00e9.test",
    "a..b",
    "",
    "acme",
    "xn--",
    "host:99999",
    "%6c",
  ],
  path: [
    "/acme/base",
    "/acme/base/resolve/main/a.safetensors",
    "/",
    "",
    "/../../x",
    "/%2e%2e/x",
    "/a%2Fb",
    "/base@main",
    "/base@a%2Fb/c",
    "/base@refs/pr/1/x",
    "/base@%",
    "/base@..",
    "/a\\b",
    "/base/..",
    "//a",
  ],
  query: ["", "", `?sig=${SECRET}`, `?sslmode=require&password=${SECRET}`, `#${SECRET}`, "?", "?a=%zz"],
};

/** What somebody types where a model, a registry, a glob or a payload is asked for. */
export const target = {
  name: "location",
  extension: "bin",
  make(random) {
    if (random.chance(0.15)) return utf8(hostileText(random));
    const pieces = Object.values(PIECES).map((list) => (random.chance(0.1) ? hostileText(random) : random.pick(list)));
    const bytes = utf8(pieces.join(""));
    return random.chance(0.15) ? changedBytes(random, bytes) : bytes;
  },
  async check(bytes) {
    const text = new TextDecoder().decode(bytes);
    const refusals = [];
    const tried = (read) => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof WeightmarkError)) throw error;
        mustKeepSecret(text, `${error.message} ${error.detail} ${error.file ?? ""}`);
        refusals.push(error);
        return null;
      }
    };
    must(
      isRemoteLocation(text) === cli.isAddress(text),
      "an address for the library and none for the command, or the reverse",
    );
    mustKeepSecret(text, shownLocation(text));
    if (isWebLocation(text)) mustKeepSecret(text, cli.shownLocation(text));
    const refusal = foreignAddress(text, null);
    if (refusal !== null) mustKeepSecret(text, `${refusal.message} ${refusal.file}`);
    subjectName(text);
    for (const root of [null, "/models"]) {
      const uri = artifactUri(text, { endpoint: REMOTE.endpoint, root });
      mustBeReference(uri, "a location");
      mustKeepSecret(text, uri);
    }
    mustKeepSecret(text, locationUri(text));
    if (text.length < 1000) tried(() => nameFilter({ include: [text], exclude: [] })("acme/base/model.safetensors"));
    tried(() => cli.atRevision([text], { revision: "main" }));
    const payload = tried(() => parsePayload(text));
    must(payload === null || payload.bytes.length === payload.bits / 8, "a payload of another length");
    if (isDatabaseUrl(text)) {
      mustKeepSecret(text, redactUrl(text));
      mustKeepSecret(text, tried(() => parseConnectionUrl(text, {}))?.shown ?? "");
    }
    refusals.length = 0;
    if (isWebLocation(text)) {
      const address = tried(() => parseAddress(text));
      if (address !== null) mustKeepSecret(text, shownAddress(address));
      const found = tried(() => findWebModel(text, REMOTE));
      if (found !== null) {
        mustKeepSecret(text, `${found.location} ${found.folder.shown("config.json")}`);
        const shown = found.folder.shown("a b/\u00e9.safetensors");
        must(URL.canParse(shown) && new URL(shown).origin === address.origin, "a shard on another server");
      }
    } else if (isRemoteLocation(text)) tried(() => checkHub(text));
    else tried(() => localPath(text));
    if (refusals.length > 0) throw refusals[0];
  },
};

function checkHub(text) {
  const { id, revision, path } = parseHubLocation(text);
  mustStayInside(path === "" ? "a" : path, "a path on the Hub");
  mustBePlain(`${id}${revision ?? ""}${path}`.replaceAll("\n", "\r"), "a location on the Hub");
  if (revision !== null) mustStayInside(revision, "a revision");
  mustStayInside(id, "a repository");
  mustEqual(
    parseHubLocation(pinnedLocation(id, COMMIT, path)),
    { id, revision: COMMIT, path },
    "a location that was pinned",
  );
}

/** Where a secret stands in an address as secrets do, nothing that is shown may hold it. */
function mustKeepSecret(text, shown) {
  must(!hidesSecret(text) || !shown.includes(SECRET), "a secret is shown");
}

/** What stands where nobody puts a secret is shown by right: a path, a host, the user of a database. */
function hidesSecret(text) {
  const found = /^([a-z0-9]+):\/\/(?:([^/?#]*)@)?([^?#]*)([?#].*)?$/is.exec(text) ?? [];
  const [, scheme = "", access = "", place = "", query = ""] = found;
  const [user, ...password] = isDatabaseUrl(text) ? access.split(":") : ["", access];
  const isAddress = /^(?:https?|postgres(?:ql)?|s3|gs|ftp)$/i.test(scheme);
  return isAddress && !`${user} ${place}`.includes(SECRET) && `${password.join(":")} ${query}`.includes(SECRET);
}
