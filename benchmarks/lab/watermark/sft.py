"""Full fine-tuning of a checkpoint, saved in bf16 as everybody does.

    python sft.py MODEL OUT [--text code] [--steps 200] [--rate 2e-5] [--tokens 512] [--seed 1] [--minutes 10]

MODEL has a tokenizer.json. Stops at --steps or --minutes, whichever comes first, and prints what was done.
"""

from __future__ import annotations

from training import adapt, open_model, options, save


def main() -> None:
    chosen = options(rate=2e-5).parse_args()
    model = open_model(chosen)
    adapt(model, chosen)
    save(model, chosen)


if __name__ == "__main__":
    main()
