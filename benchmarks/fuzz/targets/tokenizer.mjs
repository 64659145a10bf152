import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { tokenizeTask } from "../../../dist/src/quality/tokenize-task.js";
import { MAX_TOKENS, readTokenizerFile } from "../../../dist/src/watermark/carriers/tokens/token-names.js";
import { roughly } from "../bytes.mjs";
import { must } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { scratch } from "../scratch.mjs";

const added = (id, content) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
const vocab = Object.fromEntries(
  ["<unk>", "<s>", ..."abcdefgh", "\u0120", "ab", "\u0120a", "cd"].map((name, id) => [name, id]),
);
const TOKENIZERS = [
  {
    version: "1.0",
    added_tokens: [added(0, "<unk>"), added(1, "<s>")],
    normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", unk_token: "<unk>", byte_fallback: false, vocab, merges: ["a b", "\u0120 a", "c d"] },
  },
  {
    added_tokens: [added(2, "[UNK]")],
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: { a: 0, "##b": 1, "[UNK]": 2, cd: 3 },
    },
  },
  {
    added_tokens: [],
    normalizer: null,
    post_processor: null,
    decoder: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always", split: true },
    pre_tokenizer: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always", split: true },
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [
        ["<unk>", 0],
        ["\u2581a", -1.5],
        ["b", -2],
        ["cd", -3],
      ],
    },
  },
];
const TEXT = "ab cd \u00e9\ud83d\ude42 <s> 12";

/**
 * tokenizer.json: tokens are numbers of a vocabulary, or there are none. Patterns in it are left out: one that comes to no end
 * is known, and why it runs in a thread of its own.
 */
export const target = {
  name: "tokenizer",
  extension: "json",
  make(random) {
    const tree = changedTree(random, treeOf(random.pick(TOKENIZERS)));
    return roughly(random, textOf(tree), JSON.stringify(random.pick(TOKENIZERS)));
  },
  async check(bytes) {
    const path = join(scratch(), "tokenizer.json");
    writeFileSync(path, bytes);
    const names = await readTokenizerFile(path);
    if (names !== null) {
      must(names.length <= MAX_TOKENS, "more names than tokens");
      const given = names.filter((name) => name !== null);
      must(new Set(given).size === given.length, "two tokens of one name");
    }
    const reply = await tokenizeTask({ text: TEXT, tokenizer: bytes, config: null });
    if ("problem" in reply) throw new WeightmarkError("TOKENIZER_UNUSABLE", reply.problem);
    for (const list of [...reply.sequences, reply.prefix]) {
      must(
        list.every((id) => Number.isSafeInteger(id) && id >= 0),
        "a token that is no number",
      );
    }
  },
};
