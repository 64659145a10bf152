"""Expected BLAKE3 digests of the input i % 251, from the Python package `blake3`. Usage: make-blake3.py > blake3.json"""

import json

import blake3

LENGTHS = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 4096, 4097, 5120, 5121,
           6144, 6145, 7168, 7169, 8192, 8193, 16384, 31744, 65536, 65537, 102400, 262144, 262145, 1048576, 1048577,
           1572864, 3145731]

vectors = []
for length in LENGTHS:
    data = bytes(i % 251 for i in range(length))
    vectors.append({"length": length, "digest": blake3.blake3(data).hexdigest()})
print(json.dumps({"generator": "blake3 " + blake3.__version__, "input": "byte i is i % 251", "vectors": vectors}, indent=2))
