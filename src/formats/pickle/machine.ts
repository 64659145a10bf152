import type { WeightmarkError } from "../../errors.ts";
import { MAX_GLOBALS, MAX_NAME_BYTES, MAX_STACK, MAX_VALUES } from "./limits.ts";
import { OPCODES as OP, REFUSED } from "./opcodes.ts";
import { PickleBytes } from "./pickle-bytes.ts";
import { PickleDict, PickleGlobal, PickleList, PickleObject, PickleTuple, type PickleValue } from "./values.ts";

/** What the format that a pickle belongs to knows. */
export interface PickleFormat {
  /** What a call makes, or undefined for a name that means nothing here: it becomes an object that nobody makes. */
  call(global: PickleGlobal, args: readonly PickleValue[]): PickleValue | undefined;
  /** What a reference to something outside of the pickle means; undefined where it means nothing. */
  outside(id: PickleValue): PickleValue | undefined;
}

/** What a pickle held. */
export interface Unpickled {
  readonly value: PickleValue;
  /** Bytes of it, its last instruction included. */
  readonly length: number;
  /** Every class and function that it names, once. */
  readonly globals: readonly PickleGlobal[];
}

const MAX_PROTOCOL = 5;

/**
 * Follows the instructions of a pickle and builds plain data. Nothing is imported, called or looked up: names stay names, and
 * `format` says which few calls mean something. Time and memory are linear in the pickle, whatever it says.
 *
 * @param bytes beginning with the pickle; what follows it is left alone
 * @throws PICKLE_MALFORMED, PICKLE_TRUNCATED, PICKLE_UNSUPPORTED, PICKLE_LIMIT
 * @see https://docs.python.org/3/library/pickletools.html for what each instruction does
 */
export function unpickle(bytes: Uint8Array, format: PickleFormat, file: string): Unpickled {
  return new PickleMachine(new PickleBytes(bytes, file), format).run();
}

class PickleMachine {
  readonly #in: PickleBytes;
  readonly #format: PickleFormat;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at the marks that are open. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #globals = new Map<string, PickleGlobal>();
  #made = 0;

  constructor(bytes: PickleBytes, format: PickleFormat) {
    this.#in = bytes;
    this.#format = format;
  }

  run(): Unpickled {
    for (let opcode = this.#in.u8(); opcode !== OP.STOP; opcode = this.#in.u8()) this.#step(opcode);
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.#malformed("values are left over at its end");
    return { value, length: this.#in.at, globals: [...this.#globals.values()] };
  }

  #step(opcode: number): void {
    const made = this.#makes(opcode);
    if (made === undefined) this.#act(opcode);
    else this.#push(made);
  }

  /** The value that an instruction puts on the stack; undefined for those that do something else. */
  #makes(opcode: number): PickleValue | undefined {
    const from = this.#in;
    switch (opcode) {
      case OP.NONE:
        return null;
      case OP.NEWTRUE:
        return true;
      case OP.NEWFALSE:
        return false;
      case OP.BININT:
        return from.i32();
      case OP.BININT1:
        return from.u8();
      case OP.BININT2:
        return from.u16();
      case OP.LONG1:
        return from.long(from.u8());
      case OP.LONG4:
        return from.long(from.u32());
      case OP.BINFLOAT:
        return from.f64();
      case OP.BINSTRING:
        return from.latin1(from.u32());
      case OP.SHORT_BINSTRING:
        return from.latin1(from.u8());
      case OP.BINUNICODE:
        return from.text(from.u32());
      case OP.SHORT_BINUNICODE:
        return from.text(from.u8());
      case OP.BINUNICODE8:
        return from.text(from.u64());
      case OP.BINBYTES:
        return from.bytes(from.u32());
      case OP.SHORT_BINBYTES:
        return from.bytes(from.u8());
      case OP.BINBYTES8:
      case OP.BYTEARRAY8:
        return from.bytes(from.u64());
      case OP.EMPTY_LIST:
        return new PickleList();
      case OP.EMPTY_TUPLE:
        return new PickleTuple([]);
      case OP.EMPTY_DICT:
        return new PickleDict();
      case OP.EMPTY_SET:
        return new PickleObject(this.#global("builtins", "set"), null);
      case OP.TUPLE:
        return new PickleTuple(this.#popMark());
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        return new PickleTuple(this.#popMany(opcode - OP.TUPLE1 + 1));
      case OP.FROZENSET:
        return new PickleObject(this.#global("builtins", "frozenset"), new PickleTuple(this.#popMark()));
      case OP.GLOBAL:
        return this.#global(from.line(), from.line());
      case OP.STACK_GLOBAL:
        return this.#stackGlobal();
      case OP.REDUCE:
      case OP.NEWOBJ:
        return this.#call(this.#popMany(2) as [PickleValue, PickleValue]);
      case OP.NEWOBJ_EX: {
        const [made, args, named] = this.#popMany(3) as [PickleValue, PickleValue, PickleValue];
        return new PickleObject(this.#callable(made), new PickleTuple([args, named]));
      }
      case OP.BINPERSID:
        return this.#outside(this.#pop());
      case OP.DUP:
        return this.#top();
      case OP.BINGET:
        return this.#remembered(from.u8());
      case OP.LONG_BINGET:
        return this.#remembered(from.u32());
      default:
        return undefined;
    }
  }

  #act(opcode: number): void {
    const from = this.#in;
    switch (opcode) {
      case OP.PROTO:
        this.#protocol(from.u8());
        break;
      case OP.FRAME:
        // How a pickle is cut up for reading says nothing about what is in it.
        from.u64();
        break;
      case OP.MARK:
        this.#mark();
        break;
      case OP.POP:
        // Python's C reader pops a mark where one lies on top.
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        break;
      case OP.POP_MARK:
        this.#popMark();
        break;
      case OP.APPEND:
        this.#fill([this.#pop()]);
        break;
      case OP.APPENDS:
      case OP.ADDITEMS:
        this.#fill(this.#popMark());
        break;
      case OP.SETITEM:
        this.#set(this.#popMany(2));
        break;
      case OP.SETITEMS:
        this.#set(this.#popMark());
        break;
      case OP.BUILD:
        this.#build(this.#pop());
        break;
      case OP.BINPUT:
        this.#remember(from.u8());
        break;
      case OP.LONG_BINPUT:
        this.#remember(from.u32());
        break;
      case OP.MEMOIZE:
        this.#remember(this.#memo.size);
        break;
      default:
        throw this.#unknown(opcode);
    }
  }

  #mark(): void {
    if (this.#marks.length === MAX_STACK) throw this.#limit(`more than ${MAX_STACK} marks`);
    this.#marks.push(this.#stack.length);
  }

  #protocol(version: number): void {
    if (version <= MAX_PROTOCOL) return;
    throw this.#in.refuse("PICKLE_UNSUPPORTED", `protocol ${version}, the last that is known is ${MAX_PROTOCOL}`);
  }

  #unknown(opcode: number): WeightmarkError {
    const name = REFUSED.get(opcode);
    if (name !== undefined) return this.#in.refuse("PICKLE_UNSUPPORTED", `the instruction ${name} is not followed`);
    return this.#malformed(`${opcode} is no instruction`);
  }

  #malformed(message: string): WeightmarkError {
    return this.#in.refuse("PICKLE_MALFORMED", message);
  }

  #limit(message: string): WeightmarkError {
    return this.#in.refuse("PICKLE_LIMIT", message);
  }

  #push(value: PickleValue): void {
    this.#count();
    if (this.#stack.length === MAX_STACK) throw this.#limit(`more than ${MAX_STACK} values wait on the stack`);
    this.#stack.push(value);
  }

  #count(): void {
    if (++this.#made > MAX_VALUES) throw this.#limit(`more than ${MAX_VALUES} values`);
  }

  /** How many values lie above the last mark: an instruction takes no others. */
  #above(): number {
    return this.#stack.length - (this.#marks.at(-1) ?? 0);
  }

  #top(): PickleValue {
    if (this.#above() === 0) throw this.#malformed("an instruction lacks a value");
    return this.#stack.at(-1)!;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#above() < count) throw this.#malformed("an instruction lacks a value");
    return this.#stack.splice(this.#stack.length - count, count);
  }

  /** The values above the last mark, which goes with them. */
  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#malformed("an instruction lacks its mark");
    return this.#stack.splice(mark);
  }

  #fill(items: readonly PickleValue[]): void {
    const to = this.#top();
    if (!(to instanceof PickleList || to instanceof PickleObject))
      throw this.#malformed("items are given to what has none");
    for (const item of items) to.items.push(item);
  }

  #set(items: readonly PickleValue[]): void {
    const to = this.#top();
    if (items.length % 2 !== 0) throw this.#malformed("a key has no value");
    if (to instanceof PickleDict) {
      for (let i = 0; i < items.length; i += 2) to.entries.push([items[i]!, items[i + 1]!]);
    } else if (to instanceof PickleObject) for (const item of items) to.items.push(item);
    else throw this.#malformed("entries are given to what has none");
  }

  #global(module: string, name: string): PickleGlobal {
    const key = `${module}\n${name}`;
    let global = this.#globals.get(key);
    if (global === undefined) {
      if (this.#globals.size === MAX_GLOBALS) throw this.#limit(`more than ${MAX_GLOBALS} names of classes`);
      global = new PickleGlobal(module, name);
      this.#globals.set(key, global);
    }
    return global;
  }

  #stackGlobal(): PickleGlobal {
    const [module, name] = this.#popMany(2);
    if (typeof module !== "string" || typeof name !== "string") throw this.#malformed("a class is named by no text");
    if (module.length + name.length > MAX_NAME_BYTES)
      throw this.#limit(`a name of more than ${MAX_NAME_BYTES} letters`);
    return this.#global(module, name);
  }

  /** What stands where a class or function must: its name, or that by which an object would have been made. */
  #callable(value: PickleValue): PickleGlobal {
    if (value instanceof PickleGlobal) return value;
    if (value instanceof PickleObject) return value.global;
    throw this.#malformed("something is called that is neither a class nor a function");
  }

  #call([made, args]: [PickleValue, PickleValue]): PickleValue {
    const global = this.#callable(made);
    const known = made === global && args instanceof PickleTuple ? this.#format.call(global, args.items) : undefined;
    return known === undefined ? new PickleObject(global, args) : known;
  }

  #build(state: PickleValue): void {
    const to = this.#top();
    if (to instanceof PickleObject) to.state = state;
  }

  #outside(id: PickleValue): PickleValue {
    const found = this.#format.outside(id);
    if (found === undefined)
      throw this.#malformed("a reference to something outside of the pickle that has no meaning");
    return found;
  }

  #remember(index: number): void {
    const value = this.#top();
    this.#count();
    this.#memo.set(index, value);
  }

  #remembered(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#malformed(`nothing is remembered under ${index}`);
    return value;
  }
}
