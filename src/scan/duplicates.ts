import { HUB_PREFIX } from "../checkpoint/hub/parse-location.ts";
import { emptyItem } from "./failure.ts";
import type { ScanItem } from "./item.ts";
import type { ScanTarget } from "./target.ts";

/** The first target of a content, and what is known of its result: `stored` is one that was not looked at. */
interface First {
  id: string;
  state: "running" | "stored" | "answered" | "silent";
  readonly waiting: ScanTarget[];
}

/** What is to be done with a target that was found. */
export type Place = { readonly kind: "work" | "wait" } | { readonly kind: "duplicate"; readonly of: string };

/** Targets that an item answers, or the one that is to be read in its stead. */
export interface Settled {
  readonly answered: readonly ScanTarget[];
  readonly next: ScanTarget | null;
}

/**
 * Targets of one content: the first is read, the others wait for its answer, whichever order targets are finished in. When
 * the first has none (its repository is gated, its server down), the next one is read instead.
 */
export class Duplicates {
  readonly #firsts = new Map<string, First>();
  /** Contents of the targets that are being worked on, by id. */
  readonly #running = new Map<string, string>();
  #waiting = 0;

  /** Targets that wait for another one's answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Says what to do with a target that has no result yet. `answerOf` gives what is stored of another one. */
  async place(target: ScanTarget, answerOf: (id: string) => Promise<ScanItem | null>): Promise<Place> {
    const key = keyOf(target);
    if (key === null) return { kind: "work" };
    const first = this.#firsts.get(key);
    if (first?.state === "stored") {
      const answer = await answerOf(first.id);
      // What lies there now may not be what the answer is of.
      first.state = isAnswer(answer) && keyOf(answer!) === key ? "answered" : "silent";
    }
    if (first?.state === "answered") return { kind: "duplicate", of: first.id };
    if (first?.state === "running") {
      first.waiting.push(target);
      this.#waiting += 1;
      return { kind: "wait" };
    }
    this.#firsts.set(key, { id: target.id, state: "running", waiting: [] });
    this.#running.set(target.id, key);
    return { kind: "work" };
  }

  /** A target that has its result from an earlier run: others may be duplicates of it. */
  stored(target: ScanTarget): void {
    const key = keyOf(target);
    if (key !== null && !this.#firsts.has(key)) this.#firsts.set(key, { id: target.id, state: "stored", waiting: [] });
  }

  /** What a result that nothing will replace means for the targets that wait for it. */
  settle(item: ScanItem): Settled {
    const key = this.#running.get(item.id);
    const first = key === undefined ? undefined : this.#firsts.get(key);
    if (key === undefined || first === undefined) return { answered: [], next: null };
    this.#running.delete(item.id);
    if (isAnswer(item)) {
      first.state = "answered";
      this.#waiting -= first.waiting.length;
      return { answered: first.waiting.splice(0), next: null };
    }
    const next = first.waiting.shift() ?? null;
    if (next === null) {
      first.state = "silent";
      return { answered: [], next };
    }
    this.#waiting -= 1;
    first.id = next.id;
    this.#running.set(next.id, key);
    return { answered: [], next };
  }
}

/** What weights are known by. Of results of older scans the identity is not known. */
/** What a Hub says of its files is not believed of the files on this machine: it could name them as its own. */
function keyOf({ id, content, identity }: Pick<ScanItem, "id" | "content" | "identity">): string | null {
  const key = content ?? identity ?? null;
  return key === null ? null : `${id.startsWith(HUB_PREFIX) ? "hub" : "here"} ${key}`;
}

function isAnswer(item: ScanItem | null): boolean {
  return item?.status === "done" || item?.status === "duplicate";
}

/** The result of a target with the same weights as the one that `answer` is of. Nothing of it was read. */
export function duplicateItem(target: ScanTarget, answer: ScanItem, finishedAt: string | null): ScanItem {
  const { verdict, summary, matches, caveats, marks, sampledRoot, family, parameters, bytesTotal } = answer;
  const of = answer.duplicateOf ?? answer.id;
  return {
    ...emptyItem(target),
    status: "duplicate",
    duplicateOf: of,
    verdict,
    summary: summary === null ? null : `The same weights as ${answer.name}. ${summary}`,
    matches,
    caveats,
    marks,
    sampledRoot,
    family,
    parameters,
    bytesTotal,
    finishedAt,
  };
}
