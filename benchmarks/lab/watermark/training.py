"""What the trained attacks share: the command line, the loop, the saving."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel

from passages import CONTEXT, code, loss, prose, windows

TEXTS = {"prose": prose, "code": code}
WARMUP = 10


def options(rate: float) -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("model", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--text", choices=sorted(TEXTS), default="code")
    arguments.add_argument("--steps", type=int, default=200)
    arguments.add_argument("--rate", type=float, default=rate)
    arguments.add_argument("--tokens", type=int, default=512, help="tokens of one step")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--threads", type=int, default=2)
    return arguments


def open_model(chosen: argparse.Namespace) -> PreTrainedModel:
    torch.set_num_threads(chosen.threads)
    return AutoModelForCausalLM.from_pretrained(chosen.model, dtype=torch.float32)


def adapt(model: torch.nn.Module, chosen: argparse.Namespace) -> None:
    """AdamW on whatever needs gradients, linear warm-up, then constant: the end may come at any step."""
    tokens = TEXTS[chosen.text](Tokenizer.from_file(str(chosen.model / "tokenizer.json")))
    held_out, tokens = np.split(tokens, [len(tokens) // 10])
    generator = np.random.default_rng(chosen.seed)
    torch.manual_seed(chosen.seed)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=chosen.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARMUP))
    probe = windows(held_out, np.random.default_rng(0), 8)
    before = _probe(model, probe)
    started = time.monotonic()
    model.train()
    step = 0
    while step < chosen.steps and time.monotonic() - started < 60 * chosen.minutes:
        batch = windows(tokens, generator, math.ceil(chosen.tokens / CONTEXT))
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(model, batch)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % 20 == 0:
            print(f"step {step} loss {value.item():.3f} {time.monotonic() - started:.0f} s", flush=True)
    chosen.done = {
        "steps": step,
        "rate": chosen.rate,
        "text": chosen.text,
        "tokens": chosen.tokens,
        "seconds": round(time.monotonic() - started),
        "heldOutBefore": round(before, 3),
        "heldOutAfter": round(_probe(model, probe), 3),
    }


def save(model: PreTrainedModel, chosen: argparse.Namespace) -> None:
    model.to(torch.bfloat16).save_pretrained(chosen.out)
    shutil.copy(chosen.model / "tokenizer.json", chosen.out / "tokenizer.json")
    print(json.dumps(chosen.done))


@torch.no_grad()
def _probe(model: torch.nn.Module, probe: torch.Tensor) -> float:
    model.eval()
    return loss(model, probe).item()
