import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../src/errors.ts";
import type { ScanItem } from "../../src/scan/item.ts";
import type { ScanParameters } from "../../src/scan/parameters.ts";
import type { ResultStore } from "../../src/scan/result-store.ts";
import { failedItem, itemOf, parametersOf } from "./scan-items.ts";

export interface ResultStoreEngine {
  /** A new, empty store of a scan. Closed by the contract. */
  create(parameters: ScanParameters): Promise<ResultStore>;
  /** The same stored scan, opened again after `store` was closed. */
  reopen(store: ResultStore): Promise<ResultStore>;
}

async function itemsOf(store: ResultStore): Promise<ScanItem[]> {
  const items: ScanItem[] = [];
  for await (const item of store.items()) items.push(item);
  return items;
}

/** What every result store does, whatever keeps it. */
export function resultStoreContract(name: string, engine: ResultStoreEngine): void {
  async function withStore(work: (store: ResultStore) => Promise<void>): Promise<void> {
    const store = await engine.create(parametersOf());
    try {
      await work(store);
    } finally {
      await store.close();
    }
  }

  /** What is there after `store` was closed and opened again. */
  async function reopened(store: ResultStore, look: (again: ResultStore) => Promise<void>): Promise<void> {
    await store.close();
    const again = await engine.reopen(store);
    try {
      await look(again);
    } finally {
      await again.close();
    }
  }

  describe(`${name}: results`, () => {
    it("keeps its parameters and results for the next one who opens it", async () => {
      const parameters = parametersOf({
        inputs: ["a", "b\n\u2028"],
        keys: ["k1"],
        timeout: 1.5,
        registry: "0".repeat(64),
      });
      const store = await engine.create(parameters);
      const item = itemOf("hf:org/model@0", {
        revision: "0".repeat(40),
        verdict: "derived",
        matches: [
          {
            name: "base \u202e",
            verdict: "derived",
            direction: "suspect-from-base",
            relations: ["lora"],
            log10P: -321.5,
            matchedLayers: 3,
          },
        ],
        marks: [{ keyId: "k", level: "none", present: false, log2P: -0.25, payload: null }],
        caveats: ["one", "two\r\n"],
      });
      expect(await store.put(item)).toBe(true);
      await reopened(store, async (again) => {
        expect(again.parameters).toEqual(parameters);
        expect(again.complete).toBe(false);
        expect(await itemsOf(again)).toEqual([item]);
        expect(await again.get(item.id)).toEqual(item);
        expect(await again.get("hf:org/model@1")).toBeNull();
        expect([...(await again.finished())]).toEqual([item.id]);
      });
    });

    it("keeps the first result of a target", () =>
      withStore(async (store) => {
        const first = itemOf("a", { caveats: ["first"] });
        expect(await store.put(first)).toBe(true);
        expect(await store.put(itemOf("a", { caveats: ["second"] }))).toBe(false);
        expect(await store.put(failedItem("a", true))).toBe(false);
        expect(await itemsOf(store)).toEqual([first]);
        await reopened(store, async (again) => expect(await itemsOf(again)).toEqual([first]));
      }));

    it("keeps a failure that will not pass", () =>
      withStore(async (store) => {
        const first = failedItem("a", false);
        expect(await store.put(first)).toBe(true);
        expect(await store.put(itemOf("a"))).toBe(false);
        expect(await itemsOf(store)).toEqual([first]);
        expect([...(await store.finished())]).toEqual(["a"]);
      }));

    it("replaces a failure that was passing, by whatever comes", () =>
      withStore(async (store) => {
        expect(await store.put(failedItem("a", true))).toBe(true);
        expect(await store.put(failedItem("b", true))).toBe(true);
        expect([...(await store.finished())]).toEqual([]);
        expect(await store.put(failedItem("a", true))).toBe(true);
        expect(await store.put(itemOf("a"))).toBe(true);
        expect(await store.put(itemOf("a", { caveats: ["late"] }))).toBe(false);
        expect([...(await store.finished())]).toEqual(["a"]);
        const expected = [itemOf("a"), failedItem("b", true)];
        expect(await itemsOf(store)).toEqual(expected);
        await reopened(store, async (again) => {
          expect(await itemsOf(again)).toEqual(expected);
          expect([...(await again.finished())]).toEqual(["a"]);
          expect(await again.put(itemOf("b"))).toBe(true);
          expect(await again.get("b")).toEqual(itemOf("b"));
        });
      }));

    it("gives results by id in code-unit order, whatever order they came in", () =>
      withStore(async (store) => {
        // In no locale's order: upper before lower case, "a" before "ä", and an astral letter before U+FFFD.
        const ids = ["b", "B", "a", "ä", "a/b", "a-b", "a b", "_", "\u{1f600}", "\ufffd", "10", "9", "", "A"];
        for (const id of ids) await store.put(itemOf(id));
        expect((await itemsOf(store)).map(({ id }) => id)).toEqual([...ids].sort());
        await reopened(store, async (again) => {
          expect((await itemsOf(again)).map(({ id }) => id)).toEqual([...ids].sort());
        });
      }));

    it("takes many results at once", () =>
      withStore(async (store) => {
        const items = Array.from({ length: 300 }, (_, i) => itemOf(`t${String(i).padStart(3, "0")}`));
        const put = await Promise.all([...items, ...items].map((item) => store.put(item)));
        expect(put.filter((changed) => changed).length).toBe(items.length);
        expect(await itemsOf(store)).toEqual(items);
        expect((await store.finished()).size).toBe(items.length);
      }));

    it("takes results while they are being listed", () =>
      withStore(async (store) => {
        for (const id of ["a", "c"]) await store.put(itemOf(id));
        const seen: string[] = [];
        for await (const { id } of store.items()) {
          seen.push(id);
          await store.put(itemOf(`${id}-later`));
        }
        expect(seen.filter((id) => !id.endsWith("-later"))).toEqual(["a", "c"]);
        expect(new Set(seen).size).toBe(seen.length);
      }));

    it("takes names that mean something elsewhere", () =>
      withStore(async (store) => {
        const names = [
          "__proto__",
          "constructor",
          "toString",
          '";drop table scans;--',
          "\\",
          "%s",
          "\u2028",
          "\ud83d\ude00",
        ];
        for (const id of names) expect(await store.put(itemOf(id, { caveats: [id], family: id }))).toBe(true);
        await reopened(store, async (again) => {
          for (const id of names) expect(await again.get(id)).toEqual(itemOf(id, { caveats: [id], family: id }));
        });
      }));
  });

  describe(`${name}: the end`, () => {
    it("says that it is complete, and takes nothing more", () =>
      withStore(async (store) => {
        await store.put(itemOf("a"));
        expect(store.complete).toBe(false);
        await store.finish();
        expect(store.complete).toBe(true);
        const refused = await store.put(itemOf("b")).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(WeightmarkError);
        expect(await itemsOf(store)).toEqual([itemOf("a")]);
        await reopened(store, async (again) => {
          expect(again.complete).toBe(true);
          expect(await itemsOf(again)).toEqual([itemOf("a")]);
          expect(await again.put(itemOf("b")).catch((error: unknown) => error)).toBeInstanceOf(WeightmarkError);
        });
      }));

    it("can be closed and finished twice", async () => {
      const store = await engine.create(parametersOf());
      await store.finish();
      await store.finish();
      await store.close();
      await store.close();
    });
  });
}
