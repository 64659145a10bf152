/**
 * What a pickle builds: plain data. Nothing here is ever called, and no name leads to anything but itself: an object of some
 * class is a record of what the pickle says of it.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | PickleObject
  | PickleExternal;

export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** In the order of the pickle and with whatever stands twice: keys are hostile, and need not be texts. */
export class PickleDict {
  readonly entries: [PickleValue, PickleValue][] = [];
}

/** The name of a class or function. */
export class PickleGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What some program would have made by calling a class or function; here nobody calls it. */
export class PickleObject {
  readonly global: PickleGlobal;
  readonly args: PickleValue;
  /** What it was told afterwards, its attributes in most cases. */
  state: PickleValue = null;
  /** Given to it by the instructions that fill lists, dicts and sets. */
  readonly items: PickleValue[] = [];

  constructor(global: PickleGlobal, args: PickleValue) {
    this.global = global;
    this.args = args;
  }
}

/** What the format that a pickle belongs to makes of a call or of a reference to something outside of the pickle. */
export abstract class PickleExternal {
  abstract readonly kind: string;
}
