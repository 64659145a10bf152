"""The reference's side of the differential run.

    python reference.py read CASES VERDICTS     one file after the other, each behind a u32 length
    python reference.py write CASES             JSON lines {tensors, metadata, file}; exits 1 on the first difference

A verdict is "-" for a refusal, else the SHA-1 of names, types, shapes, data and metadata.
"""

import hashlib
import json
import os
import struct
import sys
import tempfile

import numpy as np
from safetensors import TensorSpec, deserialize, safe_open, serialize

WRITABLE = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "I16": "int16",
    "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32",
    "C64": "complex64", "F64": "float64", "I64": "int64", "U64": "uint64", "F4": "float4_e2m1fn_x2",
}


def metadata_of(data, scratch):
    with open(scratch, "wb") as file:
        file.write(data)
    with safe_open(scratch, framework="numpy") as opened:
        return opened.metadata() or {}


def digest(tensors, metadata):
    h = hashlib.sha1()
    for name, info in sorted(tensors, key=lambda t: t[0].encode()):
        shape = ",".join(str(size) for size in info["shape"])
        h.update(f"{name}\0{info['dtype']}\0{shape}\0{hashlib.sha1(info['data']).hexdigest()}\n".encode())
    for key, value in sorted(metadata.items(), key=lambda pair: pair[0].encode()):
        h.update(f"{key}\0{value}\n".encode())
    return h.hexdigest()


def read(cases, verdicts):
    scratch = os.path.join(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None), "case.safetensors")
    with open(cases, "rb") as source, open(verdicts, "w") as out:
        while prefix := source.read(4):
            data = source.read(struct.unpack("<I", prefix)[0])
            try:
                tensors = deserialize(data)
            except Exception:
                out.write("-\n")
                continue
            out.write(digest(tensors, metadata_of(data, scratch)) + "\n")
    if os.path.exists(scratch):
        os.unlink(scratch)
    os.rmdir(os.path.dirname(scratch))


def reference_bytes(case):
    keep = []
    specs = {}
    for tensor in case["tensors"]:
        shape = list(tensor["shape"])
        if tensor["dtype"] == "F4":
            shape[-1] //= 2  # the binding takes storage shapes and doubles them
        data = np.frombuffer(bytes.fromhex(tensor["data"]) or b"\0", dtype=np.uint8)
        keep.append(data)
        specs[tensor["name"]] = TensorSpec(
            dtype=WRITABLE[tensor["dtype"]], shape=shape, data_ptr=data.ctypes.data, data_len=len(tensor["data"]) // 2
        )
    return bytes(serialize(specs, case["metadata"]))


def metadata_sorted(data):
    """The same file with metadata keys in order: the reference writes them in the order of a randomised hash map."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items(), key=lambda pair: pair[0].encode()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return data[:8] + text.ljust(length) + data[8 + length :]


def write(cases):
    count = exact = 0
    with open(cases) as source:
        for line in source:
            case = json.loads(line)
            ours = bytes.fromhex(case["file"])
            theirs = reference_bytes(case)
            one_order = len(case["metadata"] or {}) < 2
            if ours != (theirs if one_order else metadata_sorted(theirs)):
                sys.exit(f"case {count} differs\n ours   {ours!r}\n theirs {theirs!r}")
            count += 1
            exact += one_order
    print(f"writer: {count} files equal the reference's, {exact} of them with no metadata order to set aside")


if __name__ == "__main__":
    {"read": read, "write": write}[sys.argv[1]](*sys.argv[2:])
