import { expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import * as models from "../../support/architectures.ts";
import { labelsOf } from "../../support/labels.ts";
import { tableOf } from "../../support/tensor-table.ts";

test("a cell's state is hidden, what the first cell reads is given", () => {
  const labels = labelsOf(models.lstmLanguageModel());
  expect(labels["rnn.weight_hh_l0"]).toBe("channels");
  expect(labels["rnn.weight_hh_l1"]).toBe("channels");
  expect(labels["rnn.weight_ih_l0"]).toBe("none");
  expect(labels["rnn.weight_ih_l1"]).toBe("channels");
  expect(labels["decoder.weight"]).toBe("channels");
  expect(describeAnatomy(models.lstmLanguageModel(), null).family).toBe("recurrent");
});

test("a deeper cell reads both directions, one after the other", () => {
  const labels = labelsOf(
    tableOf(`gru.weight_ih_l0 96 40
             gru.weight_hh_l0 96 32
             gru.weight_ih_l0_reverse 96 40
             gru.weight_hh_l0_reverse 96 32
             gru.weight_ih_l1 96 64
             gru.weight_hh_l1 96 32`),
  );
  expect(labels).toEqual({
    "gru.weight_ih_l0": "none",
    "gru.weight_hh_l0": "channels",
    "gru.weight_ih_l0_reverse": "none",
    "gru.weight_hh_l0_reverse": "channels",
    "gru.weight_ih_l1": "channels/32",
    "gru.weight_hh_l1": "channels",
  });
});

test("Keras stores cells as [in, out]", () => {
  const table = tableOf(`lstm/lstm_cell/kernel:0 40 128
                         lstm/lstm_cell/recurrent_kernel:0 32 128
                         dense/kernel:0 32 5`);
  const { matrices } = describeAnatomy(table, null);
  const cell = matrices.find(({ tensor }) => tensor.includes("recurrent"))!;
  expect([cell.rows, cell.cols, cell.rowOffset(1), cell.colStride, cell.axis]).toEqual([128, 32, 1, 128, "channels"]);
  expect(matrices.find(({ tensor }) => tensor === "lstm/lstm_cell/kernel:0")?.axis).toBeNull();
});

test("names alone make no cell: rows must be gates of the state", () => {
  const cell = (rows: number) => labelsOf(tableOf(`x.weight_hh_l0 ${rows} 32\nx.weight_ih_l0 ${rows} 30`));
  expect(cell(96)["x.weight_hh_l0"]).toBe("channels");
  expect(cell(70)["x.weight_hh_l0"]).toBe("none");
});
