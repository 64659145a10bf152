import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { kolmogorovP, normalDistance } from "../../../../src/numerics/kolmogorov.ts";
import type { Carrier, CarrierSize, MarkableCarrier } from "../../../../src/watermark/carriers/carrier.ts";
import { choosePlan } from "../../../../src/watermark/carriers/choose-plan.ts";
import { writeMarkedCopy } from "../../../../src/watermark/copy/marked-copy.ts";
import { decoyStatistics } from "../../../../src/watermark/evidence/decoys.ts";
import { softLog2P, softStatistic } from "../../../../src/watermark/evidence/statistics.ts";
import { expectedStatistic } from "../../../../src/watermark/evidence/strength.ts";
import type { TensorEdit } from "../../../../src/watermark/host/tensor-edit.ts";
import type { ModelKey } from "../../../../src/watermark/key/model-key.ts";
import { type Message, messageSymbols } from "../../../../src/watermark/message/message.ts";
import { parsePayload } from "../../../../src/watermark/message/payload.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../../../src/watermark/message/payload-class.ts";
import { testKey } from "../../../support/spread-model.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** One carrier of a model that has all of them. */
export interface CarrierUnderTest<Change> {
  /** Relative strength at which it holds 32 bits. */
  readonly rho: number;
  /** The model before the mark. */
  host(): Promise<Checkpoint>;
  read(model: Checkpoint, key: ModelKey): Promise<Carrier>;
  readForMarking(model: Checkpoint, key: ModelKey): Promise<MarkableCarrier<Change>>;
  size(model: Checkpoint): Promise<CarrierSize>;
  /** What the change of this carrier alone does to stored tensors. */
  edits(model: Checkpoint, change: Change, key: ModelKey): Promise<ReadonlyMap<string, TensorEdit>>;
  /** Stored tensors that it may touch. */
  mayTouch(tensor: string): boolean;
}

const WRONG_KEYS = 40;
const [ZERO_BIT, WORD] = PAYLOAD_CLASSES as [(typeof PAYLOAD_CLASSES)[0], (typeof PAYLOAD_CLASSES)[0]];
const KEY = testKey(1);

/** What holds for every way of carrying a mark. */
export function describeCarrier<Change>(name: string, carrier: CarrierUnderTest<Change>): void {
  describe(name, () => {
    const { rho } = carrier;
    const word: Message = { key: KEY, payload: parsePayload("00c0ffee"), rho };
    let host: Checkpoint;
    let marking: MarkableCarrier<Change>;
    beforeAll(async () => {
      host = await carrier.host();
      marking = await carrier.readForMarking(host, KEY);
    });

    const copyOf = async (change: Change): Promise<Checkpoint> => {
      const directory = join(temporaryDirectory(), "copy");
      await writeMarkedCopy(host, directory, await carrier.edits(host, change, KEY), { threads: 0 });
      return openCheckpoint(directory);
    };
    const statistic = (read: Carrier, message: Message, payloadClass = ZERO_BIT) =>
      softStatistic(read.reading(payloadClass), messageSymbols(message, payloadClass, read.name));

    test("the null is standard normal: keys that marked nothing, and decoys", async () => {
      const none: Message = { ...word, payload: null };
      const scores: number[] = [];
      for (let seed = 2; seed < 2 + WRONG_KEYS; seed++) {
        const key = testKey(seed);
        const read = await carrier.read(host, key);
        const z = statistic(read, { ...none, key });
        // No p is smaller than the bound of its statistic allows.
        expect(softLog2P(z)).toBeGreaterThan(-30);
        scores.push(z);
      }
      expect(kolmogorovP(normalDistance(Float64Array.from(scores)), scores.length)).toBeGreaterThan(1e-3);
      const decoys = decoyStatistics(marking.decoys())!;
      expect(kolmogorovP(normalDistance(decoys), decoys.length)).toBeGreaterThan(1e-3);
    });

    test("a reading has the chips of its class and is the same whenever it is asked for", async () => {
      for (const payloadClass of PAYLOAD_CLASSES) {
        const reading = marking.reading(payloadClass);
        expect(reading).toMatchObject({ carrier: name, payloadClass });
        expect([reading.values.length, reading.energies.length]).toEqual(Array(2).fill(chipCount(payloadClass)));
        expect(marking.reading(payloadClass)).toEqual(reading);
      }
      const again = await carrier.read(host, KEY);
      expect(again.name).toBe(name);
      // Marking leaves out what cannot be moved, and nothing of this model is that.
      expect(again.reading(WORD)).toEqual(marking.reading(WORD));
      expect(again.units).toBe(marking.units);
    });

    test("a plan hits its strength: what is written says the message as strongly as was planned", async () => {
      for (const message of [word, { ...word, payload: null }]) {
        const plan = choosePlan(marking, message)!;
        const { payloadClass } = plan.strength;
        expect(payloadClass).toBe(message.payload === null ? ZERO_BIT : WORD);
        expect(plan.statistic / expectedStatistic(plan.strength)).toBeCloseTo(1, 1);
        const copy = await copyOf(plan.change);
        const read = await carrier.read(copy, KEY);
        expect(statistic(read, message, payloadClass) / plan.statistic).toBeGreaterThan(0.85);
        expect(statistic(read, message, payloadClass) / plan.statistic).toBeLessThan(1.15);
        expect(Math.abs(statistic(await carrier.read(copy, testKey(99)), message, payloadClass))).toBeLessThan(5);
        await copy.close();
      }
    });

    test("edits touch what the carrier marks, and nothing else", async () => {
      const { change } = choosePlan(marking, word)!;
      const edits = await carrier.edits(host, change, KEY);
      const copy = await copyOf(change);
      const bytes = async ({ tensors, files }: Checkpoint, tensor: string) => {
        const { file, begin, end } = tensors.get(tensor)!;
        return Buffer.from(await files[file]!.source.read(begin, end));
      };
      let touched = 0;
      for (const tensor of host.tensors.keys()) {
        const isSame = (await bytes(host, tensor)).equals(await bytes(copy, tensor));
        if (!edits.has(tensor)) expect(isSame, tensor).toBe(true);
        if (!isSame) expect(carrier.mayTouch(tensor), tensor).toBe(true);
        touched += Number(!isSame);
      }
      expect(touched).toBeGreaterThan(0);
      await copy.close();
    });

    test("its size tells the truth about the plans", async () => {
      const size = await carrier.size(host);
      expect([size.name, size.doubt]).toEqual([name, marking.doubt]);
      expect(size.units / marking.units).toBeCloseTo(1, 1);
      for (const payloadClass of [ZERO_BIT, WORD]) {
        const message = payloadClass === ZERO_BIT ? { ...word, payload: null } : word;
        const [told, planned] = [size.strength(payloadClass, rho), marking.plan(message, payloadClass)];
        expect(told).toMatchObject({ payloadClass, cancelled: planned!.strength.cancelled });
        expect(told!.alpha / planned!.strength.alpha).toBeGreaterThan(0.85);
        expect(told!.alpha / planned!.strength.alpha).toBeLessThan(1.15);
      }
    });
  });
}
