import { kindOf } from "./tally.mjs";

const MAX_TRIES = 300;

/** The input of a find with as much cut out of it as can be while the find stays of its kind. */
export async function shrunk(runner, target, find) {
  const kind = kindOf(find.code, find.message);
  let bytes = find.bytes;
  let tries = 0;
  for (let piece = bytes.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at < bytes.length && tries < MAX_TRIES; tries++) {
      const smaller = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + piece)]);
      if (await staysOf(kind, smaller)) bytes = smaller;
      else at += piece;
    }
  }
  return bytes;

  async function staysOf(wanted, input) {
    let outcome = null;
    await runner.run({ target, bytes: input }, (told) => {
      outcome = told;
    });
    return (outcome.kind === "find" || outcome.kind === "suspect") && kindOf(outcome.code, outcome.message) === wanted;
  }
}
