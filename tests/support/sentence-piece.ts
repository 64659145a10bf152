/** A field of a protocol buffer that holds bytes. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

/** A tokenizer.model as the sentencepiece library writes one: pieces with their scores, then how it was trained. */
export function sentencePieceModel(words: readonly string[]): Buffer {
  const pieces = words.map((word, i) => {
    const score = Buffer.alloc(5);
    score[0] = 0x15;
    score.writeFloatLE(-i, 1);
    const kind = i < 3 ? Buffer.from([0x18, i === 0 ? 2 : 3]) : Buffer.alloc(0);
    return field(1, Buffer.concat([field(1, Buffer.from(word)), score, kind]));
  });
  const trainer = field(2, Buffer.concat([field(1, Buffer.from("corpus.txt")), Buffer.from([0x20, 0x00])]));
  const normalizer = field(3, Buffer.concat([field(1, Buffer.from("nmt_nfkc")), field(2, Buffer.alloc(1000))]));
  return Buffer.concat([...pieces, trainer, normalizer]);
}
