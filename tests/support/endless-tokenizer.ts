/** A tokenizer.json whose pattern takes years for `ENDLESS_TEXT`. */
export const ENDLESS_TOKENIZER = JSON.stringify({
  version: "1.0",
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false },
  post_processor: null,
  decoder: null,
  model: { type: "WordLevel", vocab: { "<unk>": 0 }, unk_token: "<unk>" },
});

export const ENDLESS_TEXT = `${"a".repeat(500)}!`;
