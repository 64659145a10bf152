/**
 * Speed of the kernels, JSON on stdout. Single kernels are timed in CPU seconds (other load on the machine then does not
 * show); the full pass is timed in wall and CPU seconds, in one run with `sha256sum` and the native program, interleaved,
 * so that the ratios hold however fast the machine is at the moment.
 * Usage: node benchmarks/run.mjs kernels [--files DIRECTORY --gigabytes N --rounds N]
 */
import { execFile } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { CODE_BYTES, centredGram, hammingMatrix, nearestCodes, packSigns, transposeBits } from "../src/kernels/bits.ts";
import { Blake3 } from "../src/kernels/blake3.ts";
import { coinBytesOf, type DirectDtype } from "../src/kernels/coins.ts";
import { correlateAt } from "../src/kernels/correlate.ts";
import { decodeToF32 } from "../src/kernels/decode.ts";
import { ditherAdd, movableAt, spreadRowAt } from "../src/kernels/dither.ts";
import { fullPass } from "../src/kernels/full-pass.ts";
import { loadKernels } from "../src/kernels/load-kernels.ts";
import { matmul } from "../src/kernels/matmul.ts";
import { momentsAt } from "../src/kernels/moments.ts";
import { squareSums } from "../src/kernels/norms.ts";
import { columnScales } from "../src/kernels/sinkhorn.ts";
import { warmUpKernels } from "./support/warm-up.ts";

const THREADS = 2;
/** Bytes one task covers, as the native program has it. */
const RANGE = 256 * 2 ** 20;

interface Task {
  readonly path: string;
  readonly begin: number;
  readonly end: number;
}

interface Time {
  readonly wall: number;
  readonly cpu: number;
}

const run = promisify(execFile);

const rounded = (value: number): number => Number(value.toPrecision(3));

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Words that look random, the same in every run. */
function noise(words: number): Uint32Array {
  let state = 1;
  return Uint32Array.from({ length: words }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state ^ (state >>> 15);
  });
}

/** bf16 bits of values with about the spread of trained weights. */
function bf16(n: number): Uint16Array {
  const bytes = new Uint8Array(noise(n).buffer);
  const values = Float32Array.from({ length: n }, (_, i) => {
    const at = 4 * i;
    return (bytes[at]! + bytes[at + 1]! + bytes[at + 2]! - 382.3) * 1.3e-4;
  });
  return Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16);
}

/** Median rate of nine runs after a warm-up, in 10^9 units per CPU second. */
function rate(units: number, work: () => void): number {
  for (let i = 0; i < 3; i++) work();
  const rates = Array.from({ length: 9 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return units / (user + system) / 1e3;
  });
  return rounded(median(rates));
}

function kernelRates(): Record<string, number> {
  warmUpKernels();
  const kernels = loadKernels();
  const { arena } = kernels;
  const piece = 1 << 19;
  const repeat = 64;
  const pointer = arena.alloc(piece);
  arena.u8(pointer, piece).set(new Uint8Array(bf16(piece / 2).buffer));
  const times = (work: () => void) => () => {
    for (let i = 0; i < repeat; i++) work();
  };
  const bits1280 = noise(1280 * 128);
  const bits4096 = noise(4096 * 40);
  const bitMatrix = noise(4096 * 128);
  const distances = new Uint32Array(4096 * 4096);
  const codes = new Uint8Array(noise(8_000_000 * 8).buffer);
  const codeEnds = Float64Array.from({ length: codes.length / (8 * CODE_BYTES) }, (_, i) => 8 * (i + 1));
  const bytes = new Uint8Array(noise(1 << 20).buffer);
  const decoded = new Float32Array(1 << 22);
  const square = Float32Array.from(noise(1024 * 1024), (word) => word / 2 ** 31);
  const shape = { rows: 1024, depth: 1024, columns: 1024 };
  return {
    "blake3 GB/s": rate(
      repeat * piece,
      times(() => new Blake3(kernels).updateAt(pointer, piece)),
    ),
    "moments bf16 GB/s": rate(
      repeat * piece,
      times(() => momentsAt(kernels, pointer, piece / 2, "BF16", 1)),
    ),
    "moments f16 GB/s": rate(
      repeat * piece,
      times(() => momentsAt(kernels, pointer, piece / 2, "F16", 1)),
    ),
    "moments f32 GB/s": rate(
      repeat * piece,
      times(() => momentsAt(kernels, pointer, piece / 4, "F32", 1)),
    ),
    "decode bf16 GB/s": rate(bytes.length, () => decodeToF32(bytes, "BF16", decoded)),
    "decode f16 GB/s": rate(bytes.length, () => decodeToF32(bytes, "F16", decoded)),
    "decode f8_e4m3 GB/s": rate(bytes.length, () => decodeToF32(bytes, "F8_E4M3", decoded)),
    "pack signs GB/s": rate(square.length * 4, () => packSigns(square)),
    "square sums GB/s": rate(square.length * 4, () => squareSums(square, 1024, 1024)),
    "hamming 1280x1280x4096 bits GB/s": rate(1280 * 1280 * 512, () =>
      hammingMatrix(bits1280, 1280, bits1280, 1280, 128),
    ),
    "hamming 4096x4096x1280 bits GB/s": rate(4096 * 4096 * 160, () =>
      hammingMatrix(bits4096, 4096, bits4096, 4096, 40, distances),
    ),
    "centred gram 1280x4096 bits GB/s": rate(1280 * 1280 * 512, () => centredGram(bits1280, 1280, 128, 4096)),
    "scan 1M models of 8 codes GB/s": rate(codes.length, () =>
      nearestCodes(codes.subarray(0, CODE_BYTES), codes, 128, 0, codeEnds, () => {}),
    ),
    "transpose 4096x4096 Gbit/s": rate(4096 * 4096, () => transposeBits(bitMatrix, 4096, 4096)),
    "matmul 1024 GFLOP/s": rate(2 * 1024 ** 3, () => matmul(square, square, shape)),
    "matmul transposed 1024 GFLOP/s": rate(2 * 1024 ** 3, () =>
      matmul(square, square, { ...shape, transposedB: true }),
    ),
  };
}

/** Kernels of the watermark, on rows of 4,096 elements that stay in the cache, in 10^9 bytes of weights. */
function markRates(): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const [name, dtype] of [
    ["bf16", "BF16"],
    ["f16", "F16"],
    ["f32", "F32"],
  ] as const) {
    Object.assign(rates, markRatesOf(name, dtype));
  }
  const sample = Float32Array.from(noise(128 * 4096), (word) => (word >> 1) / 2 ** 31);
  rates["column scales of 128 x 4096 f32 GB/s"] = rate(sample.length * 4, () => columnScales(sample, 128, 4096));
  return rates;
}

function markRatesOf(name: string, dtype: DirectDtype): Record<string, number> {
  const kernels = loadKernels();
  const { arena } = kernels;
  const cols = 4096;
  const rows = 64;
  const repeat = 16;
  const values = bf16(rows * cols);
  const stored = dtype === "F32" ? Uint32Array.from(values, (code) => code << 16) : values;
  if (dtype === "F16") for (let i = 0; i < stored.length; i++) stored[i] = 0x2400 | (stored[i]! & 0x83ff);
  const bytes = new Uint8Array(stored.buffer);
  return arena.scope(() => {
    const pointer = arena.alloc(bytes.length);
    const factors = arena.alloc(cols * 4);
    const coins = arena.alloc(rows * coinBytesOf(cols));
    const out = arena.alloc(rows * 16 * 8);
    const amplitudes = arena.alloc(64);
    const seedWords = arena.alloc(12);
    const seed = Uint32Array.of(1, 2, 3, 4);
    const stride = bytes.length / rows;
    arena.u8(pointer, bytes.length).set(bytes);
    arena.f32(factors, cols).fill(1);
    arena.u32(coins, (rows * coinBytesOf(cols)) / 4).set(noise((rows * coinBytesOf(cols)) / 4));
    arena.f32(amplitudes, 16).fill(1e-9);
    const delta = new Float32Array(rows * cols).fill(1e-6);
    const eachRow = (work: (row: number) => void): number =>
      rate(repeat * bytes.length, () => {
        for (let i = 0; i < repeat; i++) for (let row = 0; row < rows; row++) work(row);
      });
    return {
      [`correlate ${name} GB/s`]: rate(repeat * bytes.length, () => {
        for (let i = 0; i < repeat; i++) {
          const coinsAt = { pointer: coins, stride: coinBytesOf(cols) };
          correlateAt(kernels, { pointer, rows, stride, cols }, dtype, factors, coinsAt, out);
        }
      }),
      [`spread ${name} GB/s`]: eachRow((row) => {
        const coinsAt = coins + row * coinBytesOf(cols);
        const at = { pointer: pointer + row * stride, cols, scales: factors, coins: coinsAt, amplitudes, seedWords };
        spreadRowAt(kernels, at, dtype, seed, row * cols);
      }),
      [`count movable ${name} GB/s`]: eachRow((row) => movableAt(kernels, pointer + row * stride, cols, dtype, out)),
      [`dither add ${name} GB/s`]: rate(bytes.length, () => ditherAdd(bytes, dtype, delta, seed, 0)),
    };
  });
}

/** Two files of bf16 values, written once. */
function syntheticFiles(directory: string, gigabytes: number): string[] {
  mkdirSync(directory, { recursive: true });
  const pattern = new Uint8Array(bf16(8 << 20).buffer);
  return [0, 1].map((i) => {
    const path = join(directory, `full-pass-${i}-${gigabytes}.bin`);
    const size = Math.ceil((gigabytes * 1e9) / 2 / pattern.length) * pattern.length;
    if (existsSync(path) && statSync(path).size === size) return path;
    const fd = openSync(path, "w");
    for (let at = 0; at < size; at += pattern.length) writeSync(fd, pattern);
    closeSync(fd);
    return path;
  });
}

function runTask({ path, begin, end }: Task): number {
  const fd = openSync(path, "r");
  const source = {
    readIntoSync: (target: Uint8Array, start: number): void => {
      for (let done = 0; done < target.length; ) done += readSync(fd, target, done, target.length - done, start + done);
    },
  };
  const { moments } = fullPass(source, begin, end, "BF16");
  closeSync(fd);
  return moments!.finite;
}

/** All tasks on two threads that are already warm. */
async function fullPassTime(workers: Worker[], tasks: readonly Task[]): Promise<Time> {
  const queue = [...tasks];
  const start = performance.now();
  const before = process.cpuUsage();
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          const next = (): void => {
            const task = queue.shift();
            if (task !== undefined) {
              worker.postMessage(task);
              return;
            }
            worker.off("message", next);
            worker.off("error", reject);
            resolve();
          };
          worker.on("message", next);
          worker.on("error", reject);
          next();
        }),
    ),
  );
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6 };
}

/** One process per file, at the same time. */
async function sha256sumTime(files: string[]): Promise<Time> {
  const start = performance.now();
  const script = 'TIMEFORMAT="%U %S"; time sha256sum "$0" > /dev/null';
  const runs = await Promise.all(files.map((path) => run("bash", ["-c", script, path])));
  const cpu = runs.flatMap(({ stderr }) => stderr.trim().split(" ").map(Number)).reduce((a, b) => a + b);
  return { wall: (performance.now() - start) / 1e3, cpu };
}

async function nativeTime(program: string, files: string[]): Promise<Time> {
  const [, wall, cpu] = (await run(program, [`${THREADS}`, ...files])).stdout.split(" ");
  return { wall: Number(wall), cpu: Number(cpu) };
}

async function fullPassRates(files: string[], rounds: number): Promise<Record<string, unknown>> {
  const native = fileURLToPath(new URL("../../../out/full_pass", import.meta.url));
  const tasks = files.flatMap((path) => {
    const { size } = statSync(path);
    return Array.from({ length: Math.ceil(size / RANGE) }, (_, i) => {
      return { path, begin: i * RANGE, end: Math.min(size, (i + 1) * RANGE) };
    });
  });
  const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
  const workers = Array.from({ length: THREADS }, () => new Worker(new URL(import.meta.url)));
  const times = { ours: [] as Time[], sha256sum: [] as Time[], native: [] as Time[] };
  await fullPassTime(workers, tasks);
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await fullPassTime(workers, tasks));
    times.sha256sum.push(await sha256sumTime(files));
    if (existsSync(native)) times.native.push(await nativeTime(native, files));
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return {
    threads: THREADS,
    bytes,
    ours: speed(bytes, times.ours),
    sha256sum: { ...speed(bytes, times.sha256sum), ...ratio(times.ours, times.sha256sum) },
    ...(times.native.length > 0 && { native: { ...speed(bytes, times.native), ...ratio(times.ours, times.native) } }),
  };
}

function speed(bytes: number, times: Time[]): Record<string, number> {
  return {
    "GB/s": rounded(bytes / 1e9 / median(times.map(({ wall }) => wall))),
    "GB per CPU second": rounded(bytes / 1e9 / median(times.map(({ cpu }) => cpu))),
  };
}

/** How many times as fast we are, round by round. */
function ratio(ours: Time[], theirs: Time[]): Record<string, number> {
  return {
    "ours is faster by, wall": rounded(median(theirs.map(({ wall }, i) => wall / ours[i]!.wall))),
    "ours is faster by, CPU": rounded(median(theirs.map(({ cpu }, i) => cpu / ours[i]!.cpu))),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      files: { type: "string", default: join(tmpdir(), "weightmark-bench") },
      gigabytes: { type: "string", default: "4" },
      rounds: { type: "string", default: "5" },
    },
  });
  const files = syntheticFiles(values.files, Number(values.gigabytes));
  const machine = { cpu: cpus()[0]?.model, threads: availableParallelism(), node: process.version };
  const pass = await fullPassRates(files, Number(values.rounds));
  console.log(JSON.stringify({ machine, kernels: kernelRates(), mark: markRates(), fullPass: pass }, null, 2));
}

if (isMainThread) await main();
else {
  warmUpKernels();
  parentPort!.on("message", (task: Task) => parentPort!.postMessage(runTask(task)));
}
