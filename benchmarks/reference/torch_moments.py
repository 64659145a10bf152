"""The statistics of the full pass in PyTorch, as reference for speed.

    python torch_moments.py expert|idiomatic MAX_BYTES FILE.safetensors...

Prints {"bytes", "seconds", "cpuSeconds", "checksum"}; reading the files is part of the time, importing torch is not.
"""

import json
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import torch

THREADS = 2
# 256 Ki values: 1 MiB as f32, the fastest of 64 Ki ... 4 Mi on the machine of RESULTS.md.
BLOCK = 1 << 18


def tensors_of(path, limit):
    """(name, begin, end, shape) of bf16 tensors in file order, cut off after `limit` bytes."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    out, total = [], 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "BF16" or total + end - begin > limit:
            continue
        out.append((name, 8 + length + begin, 8 + length + end, entry["shape"]))
        total += end - begin
    return out, total


def expert(paths, limit):
    """Blocks that stay in the cache, buffers reused, one thread per core, no operator threads below them."""
    torch.set_num_threads(1)
    jobs, total = [], 0
    for path in paths:
        tensors, size = tensors_of(path, limit - total)
        jobs += [(path, begin, end) for _, begin, end, _ in tensors]
        total += size
    jobs.sort(key=lambda job: job[1] - job[2])

    def run(job):
        path, begin, end = job
        raw = bytearray(2 * BLOCK)
        view = memoryview(raw)
        halves = torch.frombuffer(raw, dtype=torch.bfloat16)
        floats, squares = torch.empty(BLOCK), torch.empty(BLOCK)
        totals = torch.zeros(4, dtype=torch.float64)
        peak, zeros, bad = 0.0, 0, 0
        with open(path, "rb", buffering=0) as file:
            file.seek(begin)
            left = end - begin
            while left > 0:
                want = min(left, 2 * BLOCK)
                got = 0
                while got < want:
                    got += file.readinto(view[got:want])
                n = want // 2
                x, y = floats[:n], squares[:n]
                x.copy_(halves[:n])
                torch.mul(x, x, out=y)
                sums = torch.stack([x.sum(), y.sum(), torch.dot(x, y), torch.dot(y, y)])
                if not bool(torch.isfinite(sums).all()):
                    # A value that is not finite shows in the sums: only then is it looked for.
                    good = torch.isfinite(x)
                    bad += n - int(good.sum())
                    x = x[good]
                    y = x * x
                    sums = torch.stack([x.sum(), y.sum(), torch.dot(x, y), torch.dot(y, y)])
                totals += sums
                low, high = torch.aminmax(x)
                peak = max(peak, -float(low), float(high))
                zeros += x.numel() - int(torch.count_nonzero(x))
                left -= want
        return totals, peak, zeros, bad

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(run, jobs))
    return total, sum(float(r[0][1]) for r in results)


def idiomatic(paths, limit):
    """What one writes first: whole tensors, one expression per statistic."""
    from safetensors import safe_open

    torch.set_num_threads(THREADS)
    total, checksum = 0, 0.0
    for path in paths:
        tensors, size = tensors_of(path, limit - total)
        total += size
        with safe_open(path, "pt") as file:
            for name, *_ in tensors:
                w = file.get_tensor(name).float()
                stats = {
                    "count": torch.isfinite(w).sum(),
                    "mean": w.mean(),
                    "std": w.std(),
                    "square": w.pow(2).sum(),
                    "skew": w.pow(3).mean(),
                    "fourth": w.pow(4).mean(),
                    "absmax": w.abs().max(),
                    "zeros": (w == 0).sum(),
                    "nonfinite": (~torch.isfinite(w)).sum(),
                }
                checksum += float({k: v.item() for k, v in stats.items()}["square"])
    return total, checksum


def main():
    mode, limit, *paths = sys.argv[1:]
    torch.ones(1 << 20).pow(2).sum()
    start, cpu = time.perf_counter(), time.process_time()
    total, checksum = {"expert": expert, "idiomatic": idiomatic}[mode](paths, int(limit))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"bytes": total, "seconds": seconds, "cpuSeconds": cpu, "checksum": checksum}))


main()
