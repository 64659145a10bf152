import { readFileSync } from "node:fs";

/**
 * Whether the code has the floors that were written down before it was measured (floors.json): a run that was made with others
 * would say nothing of these.
 *
 * @throws naming what differs
 */
export function requireFloors() {
  const at = (path) => new URL(path, import.meta.url);
  for (const { file, name, value } of JSON.parse(readFileSync(at("floors.json"), "utf8"))) {
    const found = new RegExp(`^(?:export )?const ${name} = (.*);$`, "m").exec(
      readFileSync(at(`../../${file}`), "utf8"),
    );
    if (found?.[1] !== value) throw new Error(`${name} of ${file} is ${found?.[1]}, not ${value} as floors.json says`);
  }
}
