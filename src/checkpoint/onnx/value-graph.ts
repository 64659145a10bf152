import { WeightmarkError } from "../../errors.ts";
import type { OnnxModel, OnnxNode, OnnxTensor } from "../../formats/onnx/onnx-model.ts";

/** An input of a node. */
export interface Use {
  readonly node: OnnxNode;
  readonly index: number;
}

/** What a stored tensor is used for, whatever it passes through before. */
export interface WeightUse extends Use {
  /** Whether its two axes have changed places on the way. */
  readonly turned: boolean;
}

const MAX_STEPS = 1 << 25;

/** Operators that give out the values of their first input, if in another type. */
const PASSING: ReadonlySet<string> = new Set(["Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear"]);

/** Who makes the values of a model, and who takes them. */
export class ValueGraph {
  readonly model: OnnxModel;
  readonly #producers = new Map<string, OnnxNode>();
  readonly #uses = new Map<string, Use[]>();
  /** Each use is followed once for each tensor that passes there, which in models is a few. */
  #steps = MAX_STEPS;

  constructor(model: OnnxModel) {
    this.model = model;
    for (const node of model.nodes) {
      for (const output of node.outputs) if (output !== "") this.#producers.set(output, node);
      for (const [index, input] of node.inputs.entries()) {
        if (input === "") continue;
        const uses = this.#uses.get(input);
        if (uses === undefined) this.#uses.set(input, [{ node, index }]);
        else uses.push({ node, index });
      }
    }
  }

  producer(value: string): OnnxNode | undefined {
    return this.#producers.get(value);
  }

  uses(value: string): readonly Use[] {
    return this.#uses.get(value) ?? [];
  }

  /** The tensor that is stored under the name of a value, or null. */
  stored(value: string): OnnxTensor | null {
    return this.model.initialisers.get(value) ?? this.model.constants.get(value) ?? null;
  }

  /** The tensor whose values a value has, or null for what is computed. */
  tensorOf(value: string): OnnxTensor | null {
    // Hostile graphs go in circles.
    const seen = new Set<string>();
    for (let at = value; !seen.has(at) && seen.size < MAX_PASSED; ) {
      const found = this.stored(at);
      if (found !== null) return found;
      seen.add(at);
      const node = this.producer(at);
      if (node === undefined || !PASSING.has(node.op)) return null;
      at = node.inputs[0] ?? "";
    }
    return null;
  }

  /**
   * Where a tensor is used in the end.
   *
   * @throws ONNX_LIMIT where following all tensors takes more steps than a graph of models does: hostile nodes make one value
   */
  usesOf(tensor: OnnxTensor): readonly WeightUse[] {
    const found: WeightUse[] = [];
    const waiting = [{ value: tensor.name, turned: false }];
    const seen = new Set([tensor.name]);
    for (const { value, turned } of waiting) {
      for (const use of this.uses(value)) {
        if (--this.#steps < 0) throw new WeightmarkError("ONNX_LIMIT", "too many nodes take the same values");
        const { node, index } = use;
        const turns = node.op === "Transpose" && isTurn(node, tensor.shape.length);
        if (index === 0 && (turns || PASSING.has(node.op))) {
          const [output = ""] = node.outputs;
          if (!seen.has(output)) waiting.push({ value: output, turned: turned !== turns });
          seen.add(output);
        } else found.push({ ...use, turned });
      }
    }
    return found;
  }

  /** What a value is taken by and alone, where one node takes it. */
  onlyUse(value: string): Use | null {
    const uses = this.uses(value);
    return uses.length === 1 ? uses[0]! : null;
  }
}

/** Nodes in a row that pass a value on. */
const MAX_PASSED = 16;

function isTurn(node: OnnxNode, rank: number): boolean {
  const perm = node.numbers.get("perm");
  return rank === 2 && (perm === undefined || (perm.length === 2 && perm[0] === 1));
}
