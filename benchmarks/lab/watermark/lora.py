"""LoRA on every projection, merged back and saved in bf16, or the adapter alone.

    python lora.py MODEL OUT [--rank 16] [--text code] [--steps 200] [--rate 2e-4] [--tokens 512] [--seed 1] [--minutes 10] [--alone]
"""

from __future__ import annotations

import torch
from peft import LoraConfig, get_peft_model

from training import adapt, open_model, options, save

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    arguments = options(rate=2e-4)
    arguments.add_argument("--rank", type=int, default=16)
    arguments.add_argument("--alone", action="store_true", help="save the adapter, in bf16, and merge nothing")
    chosen = arguments.parse_args()
    torch.manual_seed(chosen.seed)
    adapter = LoraConfig(
        r=chosen.rank, lora_alpha=2 * chosen.rank, target_modules=PROJECTIONS, task_type="CAUSAL_LM"
    )
    model = get_peft_model(open_model(chosen), adapter)
    adapt(model, chosen)
    if chosen.alone:
        model.to(torch.bfloat16).save_pretrained(chosen.out)
    else:
        save(model.merge_and_unload(), chosen)


if __name__ == "__main__":
    main()
