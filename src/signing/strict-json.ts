import { JsonLexer } from "../formats/safetensors/json-lexer.ts";

/** A signature of a quarter of a million files has a million values. */
const MAX_VALUES = 1 << 21;
const LIMITS = { maxDepth: 24, maxKeyBytes: 256 };

type Container = unknown[] | Record<string, unknown>;

/**
 * JSON in which no key stands twice: of two readers, one could believe the first and one the second. Memory is bounded by the
 * number of values; objects have no prototype.
 *
 * @param refused makes the error for what does not, from a clause
 */
export function parseStrictJson(bytes: Uint8Array, refused: (why: string) => Error): unknown {
  const open: Container[] = [];
  const keys: string[] = [];
  let root: unknown;
  let values = 0;

  function add(value: unknown): void {
    if (++values > MAX_VALUES) throw refused(`it has more than ${MAX_VALUES} values`);
    const top = open.at(-1);
    if (top === undefined) root = value;
    else if (Array.isArray(top)) top.push(value);
    else top[keys.at(-1)!] = value;
  }
  function begin(container: Container): void {
    add(container);
    open.push(container);
    keys.push("");
  }
  function end(): void {
    open.pop();
    keys.pop();
  }

  const lexer = new JsonLexer(
    {
      beginObject: () => begin(Object.create(null)),
      beginArray: () => begin([]),
      endObject: end,
      endArray: end,
      key(text) {
        if (Object.hasOwn(open.at(-1)!, text)) throw refused("a key stands twice in one object");
        keys[keys.length - 1] = text;
      },
      string: add,
      number: (text) => add(Number(text)),
      literal: add,
    },
    { ...LIMITS, maxStringBytes: bytes.length },
    (_problem, message) => refused(message),
  );
  lexer.push(bytes);
  lexer.finish();
  return root;
}
