// Writes the tables of formats in docs/formats.md and README.md, between their markers, from what tests show of each format
// (tests/support/format-facts.mjs). `--check` only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { FACTS, FORMATS } from "../tests/support/format-facts.mjs";

const [BEGIN, END] = ["<!-- formats: npm run build:docs -->", "<!-- formats end -->"];

const suites = (peer) => (peer === undefined ? "" : `\`${peer.replace(/^tests\/interop\//, "")}\``);

/** A row for each way to store weights, with what is shown of it. */
function wholeTable() {
  const facts = Object.keys(FACTS);
  const rows = FORMATS.map(({ container, scheme, proves, peer, suite }) => {
    const marks = facts.map((fact) => (proves.includes(fact) ? "yes" : suite?.facts.includes(fact) ? "suite" : "-"));
    return `| ${[container, scheme, ...marks, suites(peer)].join(" | ")} |`;
  });
  const head = ["container", "stored as", ...Object.values(FACTS), "held against its library by"];
  return [`| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...rows].join("\n");
}

/** A row for each container: what all of its schemes have, and what only some. */
function shortTable() {
  const containers = [...new Set(FORMATS.map(({ container }) => container))];
  const rows = containers.map((container) => {
    const own = FORMATS.filter((format) => format.container === container);
    const count = (fact) =>
      own.filter(({ proves, suite }) => [...proves, ...(suite?.facts ?? [])].includes(fact)).length;
    const share = (fact) => (count(fact) === own.length ? "all" : count(fact) === 0 ? "-" : String(count(fact)));
    return `| ${[container, own.length, ...Object.keys(FACTS).map(share)].join(" | ")} |`;
  });
  const head = ["container", "ways to store", ...Object.values(FACTS)];
  const about =
    "What tests show of how many of the ways in which each stores weights ([docs/formats.md](docs/formats.md) has them one by one):";
  return [about, "", `| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...rows].join("\n");
}

for (const [path, table] of [
  ["../docs/formats.md", wholeTable()],
  ["../README.md", shortTable()],
]) {
  const file = new URL(path, import.meta.url);
  const text = readFileSync(file, "utf8");
  const [before, rest] = text.split(`${BEGIN}\n`);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${path} has no markers of the table of formats`);
  const whole = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
  if (!process.argv.includes("--check")) writeFileSync(file, whole);
  else if (whole !== text) {
    console.error(`${path.slice(3)} is out of date: npm run build:docs`);
    process.exitCode = 1;
  }
}
