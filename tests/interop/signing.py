"""The reference implementation of OpenSSF Model Signing, told on stdin what to do: one JSON object a line, one answer a line."""

import json
import pathlib
import sys

from model_signing import hashing, signing, verifying


def hashing_of(task):
    config = hashing.Config()
    # The reference calls blake2b so when it is asked for it.
    name = {"blake2b": "blake2"}.get(task["hash"], task["hash"])
    if task.get("shardSize"):
        config.use_shard_serialization(hashing_algorithm=name, shard_size=task["shardSize"])
    else:
        config.use_file_serialization(hashing_algorithm=name)
    config.set_ignored_paths(paths=task["ignore"])
    return config.set_allow_symlinks(task.get("allowSymlinks", False))


def sign(task):
    config = signing.Config()
    if "certificate" in task:
        config.use_certificate_signer(
            private_key=pathlib.Path(task["privateKey"]),
            signing_certificate=pathlib.Path(task["certificate"]),
            certificate_chain=[pathlib.Path(path) for path in task["chain"]],
        )
    else:
        config.use_elliptic_key_signer(
            private_key=pathlib.Path(task["privateKey"]), password=(task.get("password") or "").encode() or None
        )
    config.set_hashing_config(hashing_of(task))
    config.sign(pathlib.Path(task["model"]), pathlib.Path(task["signature"]))


def verify(task):
    config = verifying.Config()
    if "roots" in task:
        config.use_certificate_verifier(certificate_chain=[pathlib.Path(task["roots"])])
    else:
        config.use_elliptic_key_verifier(public_key=pathlib.Path(task["publicKey"]))
    if not task.get("guess"):
        config.set_hashing_config(hashing_of(task))
    config.set_ignore_unsigned_files(task.get("ignoreUnsigned", False))
    config.verify(pathlib.Path(task["model"]), pathlib.Path(task["signature"]))


for line in sys.stdin:
    task = json.loads(line)
    try:
        (sign if task["action"] == "sign" else verify)(task)
        answer = {"ok": True, "why": None}
    except Exception as error:
        answer = {"ok": False, "why": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
