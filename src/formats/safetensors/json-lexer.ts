/** Why a JSON text was refused. `token` is a key, string or number longer than allowed. */
export type JsonProblem = "syntax" | "utf8" | "depth" | "token";

/** Told what is read, in document order. Keys and strings come with escapes undone; numbers as written. */
export interface JsonHandler {
  beginObject(): void;
  endObject(): void;
  beginArray(): void;
  endArray(): void;
  key(text: string): void;
  string(text: string): void;
  number(text: string): void;
  literal(value: boolean | null): void;
}

/** What an attacker's text may cost: memory for one token, and nesting. */
export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxKeyBytes: number;
  readonly maxStringBytes: number;
}

/** Turns a problem into the caller's own error; the message tells the byte, counted from the start of the text. */
export type JsonFailure = (problem: JsonProblem, message: string) => Error;

/** Longest number or literal; no integer of 64 bits and no double as anybody prints it comes near. */
const MAX_WORD_BYTES = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);
/** The byte after a backslash to the byte it stands for. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"].map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

/** What the next byte belongs to. */
const MODE = {
  value: 0,
  valueOrClose: 1,
  key: 2,
  keyOrClose: 3,
  colon: 4,
  commaOrClose: 5,
  done: 6,
  string: 7,
  escape: 8,
  unicode: 9,
  word: 10,
} as const;
type Mode = (typeof MODE)[keyof typeof MODE];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}

function show(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, "0")}`;
}

/**
 * A strict RFC 8259 lexer that takes its text in pieces of any size and keeps at most one token in memory.
 * Unlike JSON.parse it keeps numbers as text, shows every duplicate key, takes no lone surrogate and no byte order
 * mark, and bounds nesting and token length.
 */
export class JsonLexer {
  readonly #handler: JsonHandler;
  readonly #limits: JsonLimits;
  readonly #failure: JsonFailure;
  /** One byte per open container: 1 object, 0 array. */
  readonly #containers: Uint8Array;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #depth = 0;
  #mode: Mode = MODE.value;
  /** Bytes of all pieces before this one. */
  #before = 0;
  #stringIsKey = false;
  /** The part of the current token that came before this piece or before an escape. */
  #token = Buffer.allocUnsafeSlow(256);
  #tokenLength = 0;
  #codeUnit = 0;
  #hexDigits = 0;
  /** A high surrogate that waits for its low half, or 0. */
  #highSurrogate = 0;

  constructor(handler: JsonHandler, limits: JsonLimits, failure: JsonFailure) {
    this.#handler = handler;
    this.#limits = limits;
    this.#failure = failure;
    this.#containers = new Uint8Array(limits.maxDepth);
  }

  /** Reads the next piece of the text. Throws what `failure` makes, or whatever the handler throws. */
  push(bytes: Uint8Array): void {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < piece.length) {
      switch (this.#mode) {
        case MODE.string:
          at = this.#scanString(piece, at);
          break;
        case MODE.escape:
          this.#escape(piece[at]!, at++);
          break;
        case MODE.unicode:
          this.#unicode(piece[at]!, at++);
          break;
        case MODE.word:
          at = this.#scanWord(piece, at);
          break;
        default:
          if (!isSpace(piece[at]!)) this.#structure(piece[at]!, at);
          at++;
      }
    }
    this.#before += piece.length;
  }

  /** Ends the text: throws unless exactly one value was read. */
  finish(): void {
    if (this.#mode === MODE.word) this.#endWord(0);
    if (this.#mode !== MODE.done) throw this.#fail("syntax", "the JSON text ends in the middle", 0);
  }

  #fail(problem: JsonProblem, message: string, at: number): Error {
    return this.#failure(problem, `${message} at byte ${this.#before + at}`);
  }

  #unexpected(byte: number, at: number): Error {
    if (this.#mode === MODE.done) {
      const hint = byte === 0 ? "NUL padding (pad with spaces instead)" : `${show(byte)}, a second value or garbage,`;
      return this.#fail("syntax", `${hint} after the end of the JSON text`, at);
    }
    if (byte === 0xef && this.#before + at === 0) return this.#fail("syntax", "a byte order mark stands", at);
    return this.#fail("syntax", `unexpected ${show(byte)}`, at);
  }

  #structure(byte: number, at: number): void {
    const mode = this.#mode;
    const inObject = this.#containers[this.#depth - 1] === 1;
    const mayClose = mode === MODE.commaOrClose || mode === MODE.keyOrClose;
    if (mode === MODE.value || mode === MODE.valueOrClose) {
      this.#startValue(byte, at);
    } else if (byte === QUOTE && (mode === MODE.key || mode === MODE.keyOrClose)) {
      this.#startString(true);
    } else if (byte === COLON && mode === MODE.colon) {
      this.#mode = MODE.value;
    } else if (byte === COMMA && mode === MODE.commaOrClose) {
      this.#mode = inObject ? MODE.key : MODE.value;
    } else if (mayClose && byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
      this.#close();
    } else {
      throw this.#unexpected(byte, at);
    }
  }

  #startValue(byte: number, at: number): void {
    if (byte === QUOTE) {
      this.#startString(false);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#open(byte === OPEN_OBJECT, at);
    } else if (byte === CLOSE_ARRAY && this.#mode === MODE.valueOrClose) {
      this.#close();
    } else if (isWordByte(byte)) {
      this.#token[0] = byte;
      this.#tokenLength = 1;
      this.#mode = MODE.word;
    } else {
      throw this.#unexpected(byte, at);
    }
  }

  #open(object: boolean, at: number): void {
    if (this.#depth === this.#limits.maxDepth) {
      throw this.#fail("depth", `more than ${this.#limits.maxDepth} nested values`, at);
    }
    this.#containers[this.#depth++] = object ? 1 : 0;
    this.#mode = object ? MODE.keyOrClose : MODE.valueOrClose;
    if (object) this.#handler.beginObject();
    else this.#handler.beginArray();
  }

  #close(): void {
    const object = this.#containers[--this.#depth] === 1;
    this.#endValue();
    if (object) this.#handler.endObject();
    else this.#handler.endArray();
  }

  #endValue(): void {
    this.#mode = this.#depth === 0 ? MODE.done : MODE.commaOrClose;
  }

  #startString(key: boolean): void {
    this.#stringIsKey = key;
    this.#tokenLength = 0;
    this.#mode = MODE.string;
  }

  /** Reads plain string bytes from `start`; returns where it stopped. */
  #scanString(piece: Buffer, start: number): number {
    if (this.#highSurrogate !== 0 && piece[start] !== BACKSLASH) throw this.#loneSurrogate(start);
    let at = start;
    let seen = 0;
    while (at < piece.length) {
      const byte = piece[at]!;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
      seen |= byte;
      at++;
    }
    if (piece[at] === QUOTE && this.#tokenLength === 0) {
      this.#checkLength(at - start, at);
      this.#endString(piece, start, at, seen < 0x80, at);
      return at + 1;
    }
    this.#append(piece, start, at);
    if (at === piece.length) return at;
    if (piece[at] === QUOTE) this.#endString(this.#token, 0, this.#tokenLength, false, at);
    else if (piece[at] === BACKSLASH) this.#mode = MODE.escape;
    else throw this.#fail("syntax", `an unescaped control character, ${show(piece[at]!)},`, at);
    return at + 1;
  }

  #checkLength(length: number, at: number): void {
    const limit = this.#stringIsKey ? this.#limits.maxKeyBytes : this.#limits.maxStringBytes;
    if (length <= limit) return;
    throw this.#fail("token", `a ${this.#stringIsKey ? "key" : "string"} of more than ${limit} bytes`, at);
  }

  #append(piece: Buffer, start: number, end: number): void {
    const length = this.#tokenLength + end - start;
    this.#checkLength(length, end);
    if (length > this.#token.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#token.length));
      this.#token.copy(grown, 0, 0, this.#tokenLength);
      this.#token = grown;
    }
    piece.copy(this.#token, this.#tokenLength, start, end);
    this.#tokenLength = length;
  }

  #endString(bytes: Buffer, start: number, end: number, ascii: boolean, at: number): void {
    let text: string;
    if (ascii) {
      text = bytes.toString("latin1", start, end);
    } else {
      try {
        text = this.#utf8.decode(bytes.subarray(start, end));
      } catch {
        throw this.#fail("utf8", "bytes that are not UTF-8 in the string that ends", at);
      }
    }
    this.#tokenLength = 0;
    if (this.#stringIsKey) {
      this.#mode = MODE.colon;
      this.#handler.key(text);
    } else {
      this.#endValue();
      this.#handler.string(text);
    }
  }

  #loneSurrogate(at: number): Error {
    return this.#fail("utf8", "half of a surrogate pair", at);
  }

  #escape(byte: number, at: number): void {
    if (byte === LOWER_U) {
      this.#mode = MODE.unicode;
      this.#codeUnit = 0;
      this.#hexDigits = 0;
      return;
    }
    if (this.#highSurrogate !== 0) throw this.#loneSurrogate(at);
    const meant = ESCAPES.get(byte);
    if (meant === undefined) throw this.#fail("syntax", `unknown escape ${show(byte)}`, at);
    this.#appendText(String.fromCharCode(meant), at);
  }

  #unicode(byte: number, at: number): void {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) throw this.#fail("syntax", `${show(byte)} is no hexadecimal digit`, at);
    this.#codeUnit = this.#codeUnit * 16 + digit;
    if (++this.#hexDigits < 4) return;
    const unit = this.#codeUnit;
    const low = unit >= 0xdc00 && unit <= 0xdfff;
    if (low !== (this.#highSurrogate !== 0)) throw this.#loneSurrogate(at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      this.#highSurrogate = unit;
      this.#mode = MODE.string;
      return;
    }
    const text = low ? String.fromCharCode(this.#highSurrogate, unit) : String.fromCharCode(unit);
    this.#highSurrogate = 0;
    this.#appendText(text, at);
  }

  #appendText(text: string, at: number): void {
    const bytes = Buffer.from(text, "utf8");
    this.#checkLength(this.#tokenLength + bytes.length, at);
    this.#append(bytes, 0, bytes.length);
    this.#mode = MODE.string;
  }

  #scanWord(piece: Buffer, start: number): number {
    let at = start;
    while (at < piece.length && isWordByte(piece[at]!)) {
      if (this.#tokenLength === MAX_WORD_BYTES) {
        throw this.#fail("token", `a number of more than ${MAX_WORD_BYTES} characters`, at);
      }
      this.#token[this.#tokenLength++] = piece[at++]!;
    }
    if (at < piece.length) this.#endWord(at);
    return at;
  }

  #endWord(at: number): void {
    const text = this.#token.toString("latin1", 0, this.#tokenLength);
    this.#tokenLength = 0;
    const literal = LITERALS.get(text);
    if (literal === undefined && !NUMBER.test(text))
      throw this.#fail("syntax", `${text} is no JSON value, it ends`, at);
    this.#endValue();
    if (literal === undefined) this.#handler.number(text);
    else this.#handler.literal(literal);
  }
}
