/**
 * Seeded generator of safetensors files, valid ones and ones with every kind of fault. A header is built as a loose tree
 * (objects are lists of pairs, so that keys can repeat; leaves are JSON text, so that any number can be written) and
 * damaged at one of three levels: tree, text, file.
 */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};
export const DTYPES = Object.keys(BITS);
const NAMES = [
  "a",
  "model.layers.0.self_attn.q_proj.weight",
  "",
  "__proto__",
  "constructor",
  "../x",
  "\u001b[31m",
  "\u0000",
  "é",
  "日本",
  "\u{1f600}",
  "\ufeff",
  "\u202e",
  "a b",
  '"',
  "\\",
  "/",
  "dtype",
  "__metadata",
  "\u2028",
  "\u007f",
  "e\u0301",
  "\ue000",
];
const NUMBERS = [
  "-1",
  "-0",
  "1.0",
  "2e0",
  "1E2",
  "01",
  "+1",
  ".5",
  "1.",
  "0x1",
  "NaN",
  "Infinity",
  "1e400",
  "-1e400",
  "1e308",
  "0e999999",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "4294967296",
  "18446744073709551615",
  "18446744073709551616",
  "340282366920938463463374607431768211456",
  "1".repeat(65),
  "true",
  "null",
  '"1"',
  "[]",
  "{}",
  "[1]",
  '{"a":1}',
  "",
];
const STRINGS = [
  '"\\ud800"',
  '"\\udc00"',
  '"\\ud83d\\ude00"',
  '"\\ud83d\\ud83d"',
  '"\\u0000"',
  '"\\x"',
  '"\\u12"',
  '"\\/"',
  "'a'",
  '"a',
  "a",
  '"\u0001"',
  '"\\b\\f\\n\\r\\t\\"\\\\"',
  '""',
  "1",
  "null",
  "{}",
  "[]",
  '"\ufeff"',
  '"f32"',
  '"F32 "',
  '"BF16"',
  '"F128"',
  '"F8"',
  '{"U8":null}',
  '{"U8":[]}',
  '"\\u0055\\u0038"',
  '"\\uDBFF\\uDFFF"',
  '"\\ud800x"',
  '"\\ud800\\n"',
  `"${"x".repeat(70_000)}"`,
];
const UNKNOWN = [
  "1",
  "-2.5e3",
  "1e400",
  "1e308",
  "1e-400",
  "-0.0",
  "null",
  "true",
  "[]",
  "{}",
  "[[],{},1,null]",
  '{"a":{"a":1,"a":2}}',
  '"x"',
  "[1,]",
  "[,]",
  '{"a"}',
  "{1:2}",
  "[".repeat(60) + "]".repeat(60),
  "[".repeat(61) + "]".repeat(61),
  "[".repeat(62) + "]".repeat(62),
  "[".repeat(100) + "]".repeat(100),
  "[".repeat(140) + "]".repeat(140),
  "[1",
  "tru",
  "nul",
  "falsee",
  "1 2",
  '"\\ud800"',
  "[1e999]",
];

const quote = (text) => JSON.stringify(text);

function sizeOf(dtype, shape) {
  return (shape.reduce((a, b) => a * b, 1) * BITS[dtype]) / 8;
}

/** A tensor of at most a few hundred bytes that fills whole bytes. */
export function randomTensor(r, name) {
  for (;;) {
    const dtype = r.pick(DTYPES);
    const shape = Array.from({ length: r.below(4) }, () => (r.chance(0.08) ? 0 : 1 + r.below(4)));
    if (r.chance(0.02)) shape.push(...Array.from({ length: 1 + r.below(70) }, () => 1));
    const bytes = sizeOf(dtype, shape);
    if (Number.isInteger(bytes)) return { name, dtype, shape, bytes };
  }
}

function randomName(r) {
  return r.chance(0.6) ? `t${r.below(30)}` : r.pick(NAMES) + (r.chance(0.2) ? r.below(3) : "");
}

/** Distinct tensors laid end to end in random order. */
function validTree(r) {
  const names = new Set(Array.from({ length: r.below(5) }, () => randomName(r)));
  let at = 0;
  const entries = [...names].map((name) => {
    const { dtype, shape, bytes } = randomTensor(r, name);
    const offsets = [at, at + bytes];
    at += bytes;
    const fields = [
      ["dtype", quote(dtype)],
      ["shape", shape.map(String)],
      ["data_offsets", offsets.map(String)],
    ];
    return [name, r.chance(0.2) ? r.shuffle(fields) : fields];
  });
  if (r.chance(0.5)) r.shuffle(entries);
  if (r.chance(0.4)) {
    const pairs = Array.from({ length: r.below(3) }, (_, i) => [
      `k${i}`,
      quote(r.pick(["", "pt", "é", "\n", "\u{1f600}"])),
    ]);
    entries.splice(r.below(entries.length + 1), 0, ["__metadata__", pairs]);
  }
  return { entries, dataBytes: at };
}

const isEntry = ([name, value]) => Array.isArray(value) && name !== "__metadata__";

function changeNumber(r, text) {
  const n = Number(text);
  return r.chance(0.5) ? r.pick(NUMBERS) : String(r.pick([n + 1, n - 1, n * 2, n + 8, 0, 1, n + 2 ** 32]));
}

function field(entry, name) {
  return entry[1].find(([key]) => key === name)?.[1];
}

/** Faults of meaning: the result is JSON more often than not. */
const TREE_FAULTS = [
  (r, _tree, entry) => {
    const list = field(entry, r.pick(["shape", "data_offsets"]));
    if (Array.isArray(list) && list.length > 0) {
      const i = r.below(list.length);
      list[i] = changeNumber(r, list[i]);
    }
  },
  (r, _tree, entry) => {
    const list = field(entry, r.pick(["shape", "data_offsets"]));
    if (Array.isArray(list)) r.chance(0.5) ? list.push(r.chance(0.7) ? "1" : changeNumber(r, "1")) : list.pop();
  },
  (r, _tree, entry) => {
    const pair = entry[1].find(([key]) => key === "dtype");
    if (pair) pair[1] = r.chance(0.5) ? quote(r.pick(DTYPES)) : r.pick(STRINGS);
  },
  (r, _tree, entry) =>
    entry[1].splice(r.below(entry[1].length + 1), 0, [r.pick(["x", "y", "", "__proto__"]), r.pick(UNKNOWN)]),
  (r, _tree, entry) => {
    const pair = entry[1][r.below(entry[1].length)];
    if (pair) entry[1].push(r.chance(0.5) ? pair : [pair[0], r.pick(UNKNOWN)]);
  },
  (r, _tree, entry) => entry[1].splice(r.below(entry[1].length), 1),
  (r, _tree, entry) => {
    const pair = entry[1][r.below(entry[1].length)];
    if (pair) pair[1] = r.pick([...UNKNOWN, ...NUMBERS, ...STRINGS]);
  },
  (r, tree, entry) => {
    // Same tensor again, with the same or other fields: the reference keeps the last.
    tree.entries.push([
      entry[0],
      r.chance(0.5) ? entry[1] : entry[1].map(([k, v]) => (k === "dtype" ? [k, quote("I8")] : [k, v])),
    ]);
  },
  (r, _tree, entry) => {
    entry[1] = r.pick([...UNKNOWN, ...STRINGS, '["U8",[0],[0,0]]']);
  },
  (_r, _tree, entry) => {
    const offsets = field(entry, "data_offsets");
    if (Array.isArray(offsets)) offsets.reverse();
  },
  (r, tree) =>
    tree.entries.push([
      "__metadata__",
      r.pick([
        [],
        "null",
        "{}",
        "[]",
        '"x"',
        "1",
        [
          ["a", '"1"'],
          ["a", '"2"'],
        ],
      ]),
    ]),
  (r, tree) => {
    const metadata = tree.entries.find(([name]) => name === "__metadata__");
    if (metadata && Array.isArray(metadata[1]))
      metadata[1].push([r.pick(["k0", "z", ""]), r.pick([...STRINGS, ...NUMBERS])]);
  },
  (r, tree) => {
    tree.dataBytes = Math.max(0, tree.dataBytes + r.pick([-1, 1, -8, 8, 22]));
  },
  (r, tree) => {
    const empty = [
      ["dtype", '"F32"'],
      ["shape", ["0"]],
      ["data_offsets", Array(2).fill(String(r.below(tree.dataBytes + 2)))],
    ];
    tree.entries.push([`empty${r.below(3)}`, empty]);
  },
];

function print(r, value) {
  const space = () => (r.spaced && r.chance(0.1) ? r.pick([" ", "\n", "\t", "\r", "  "]) : "");
  if (!Array.isArray(value)) return value;
  if (value.every((item) => Array.isArray(item)) && (value.length > 0 || value.isObject)) {
    const pairs = value.map(
      ([key, item]) =>
        `${space()}${r.chance(0.02) ? escapeAll(key) : quote(key)}${space()}:${space()}${print(r, item)}${space()}`,
    );
    return `{${pairs.join(",")}}`;
  }
  return `[${value.map((item) => space() + item + space()).join(",")}]`;
}

function escapeAll(text) {
  return `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;
}

const BYTES_TO_INSERT = [
  '"',
  ",",
  ":",
  "{",
  "}",
  "[",
  "]",
  "\\",
  " ",
  "\0",
  "0",
  "-",
  "\x0c",
  "\xa0",
  "\xff",
  "\xef\xbb\xbf",
  "\xed\xa0\x80",
  "\xc0\x80",
  "\xf5",
];

/** Faults of text: bytes changed, added, taken away, doubled, or padding of another kind. */
function damageText(r, bytes) {
  const at = r.below(bytes.length + 1);
  const cut = (end) => [bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, end))];
  const [before, after] = cut(at);
  switch (r.below(7)) {
    case 0:
      return Buffer.concat([before, Buffer.from(r.pick(BYTES_TO_INSERT), "latin1"), after]);
    case 1:
      return Buffer.concat(cut(at + 1));
    case 2:
      return Buffer.concat([before, Buffer.from([r.below(256)]), bytes.subarray(Math.min(bytes.length, at + 1))]);
    case 3:
      return Buffer.concat([bytes, Buffer.from(r.pick([" ", "\n\t\r ", "\0", "{}", ",", "x", "\x0b", "}"]), "latin1")]);
    case 4:
      return Buffer.concat([Buffer.from(r.pick([" ", "\n", "\xef\xbb\xbf", "\0", "[", "/**/"]), "latin1"), bytes]);
    case 5:
      return before;
    default:
      return Buffer.concat([bytes, before]);
  }
}

const LENGTHS = [0n, 1n, 2n, 100_000_000n, 100_000_001n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** Bytes of one file. */
export function generateFile(r) {
  r.spaced = r.chance(0.3);
  const tree = validTree(r);
  let data = null;
  if (r.chance(0.6)) {
    for (let faults = 1 + r.below(2); faults > 0; faults--) {
      const entries = tree.entries.filter((entry) => isEntry(entry) && entry[1].length > 0);
      const fault = r.pick(TREE_FAULTS);
      if (fault.length < 3) fault(r, tree);
      else if (entries.length > 0) fault(r, tree, r.pick(entries));
    }
  }
  // An empty list would print as an array.
  for (const entry of tree.entries) if (Array.isArray(entry[1])) entry[1].isObject = true;
  tree.entries.isObject = true;
  let header = Buffer.from(print(r, tree.entries), "utf8");
  if (r.chance(0.5)) header = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, 0x20)]);
  if (r.chance(0.12)) header = damageText(r, header);
  data = Buffer.from(r.bytes(tree.dataBytes));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(
    r.chance(0.02)
      ? r.pick([...LENGTHS, BigInt(header.length + 1), BigInt(Math.max(0, header.length - 1))])
      : BigInt(header.length),
  );
  const file = Buffer.concat([prefix, header, data]);
  return r.chance(0.01) ? file.subarray(0, r.below(file.length)) : file;
}
