"""Writes one folder per architecture: the model as its library saves it, and `expected.safetensors` read off its behaviour.

    python make_layouts.py ../../../tests/fixtures/layouts [family ...]

Keys of expected.safetensors: `component.layer.expert.role` is the matrix [out, in] (f16 holds it exactly); the same key with
`folded.` before it is the response to unit vectors put into the norm the matrix reads, columns centred (rounded to f16).
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

import capture
from families import Family, families

# Unit vectors of this size make the norms' epsilon vanish.
LOUD = 1024.0


def randomize(model: torch.nn.Module, seed: int) -> None:
    """Every parameter a multiple of 1/64 within one of zero: sums of few stay exact in f32, and f16 holds each."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randint(-64, 65, parameter.shape, generator=generator) / 64)


def module(model: torch.nn.Module, path: str) -> torch.nn.Module:
    for part in path.split("."):
        model = getattr(model, part)
    return model


def run(family: Family, model: torch.nn.Module, recorder: capture.Recorder):
    batch = recorder.batch
    inputs = {}
    if family.ids:
        inputs["input_ids"] = torch.ones(batch, 1, dtype=torch.long)
    if family.image:
        size = getattr(family.config, "vision_config", family.config).image_size
        inputs["pixel_values"] = torch.zeros(batch, 3, size, size)
    if family.cross:
        inputs["decoder_input_ids"] = torch.ones(batch, 1, dtype=torch.long)
    capture.CURRENT.append(recorder)
    try:
        with torch.no_grad():
            return model(**inputs, **({} if family.image and not family.ids else {"return_dict": True}))
    finally:
        capture.CURRENT.pop()


def sizes(model: torch.nn.Module) -> int:
    return 1 + max(max(p.shape[-2:]) for p in model.parameters() if p.dim() >= 2 and max(p.shape[-2:]) < 4096)


def collect(family: Family, recorder: capture.Recorder) -> dict[str, dict[str, torch.Tensor]]:
    """Place -> role -> rows, in the order in which the layers ran."""
    attentions, networks = iter(recorder.attentions), iter(recorder.networks)
    found: dict[str, dict[str, torch.Tensor]] = {}
    for component, _, layers in family.stacks:
        for layer in range(layers):
            place = found.setdefault(f"{component}.{layer}.-1", {})
            place.update(next(attentions))
            if family.cross and component == "decoder":
                place.update({f"cross_{role}": rows for role, rows in next(attentions).items()})
            if family.experts is None:
                place.update(next(networks))
    return found


def loud_layers(family: Family, model: torch.nn.Module, recorder: capture.Recorder) -> list:
    """Hooks that put unit vectors into the residual stream before every sublayer, and before the last norms."""

    def replaced(hidden: torch.Tensor) -> torch.Tensor:
        return recorder.units(hidden) * LOUD

    def before(_, args, kwargs):
        if args and torch.is_tensor(args[0]):
            return (replaced(args[0]), *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": replaced(kwargs["hidden_states"])}

    targets = []
    for component, path, _ in family.stacks:
        for layer in module(model, path):
            targets += list(layer.layer) if family.cross else [layer]
        if family.cross:
            targets.append(module(model, f"{component}.final_layer_norm"))
    if family.final_norm is not None and not family.cross:
        targets.append(module(model, family.final_norm))
    return [target.register_forward_pre_hook(before, with_kwargs=True) for target in targets]


def centred(rows: torch.Tensor, size: int, root_mean_square: bool) -> torch.Tensor:
    """[out, in] response to unit vectors in front of a norm, in units of what the norm makes of one, columns centred."""
    gain = size**0.5 if root_mean_square else size / (size - 1) ** 0.5
    response = rows[1 : 1 + size].T / gain
    return (response - response.mean(dim=1, keepdim=True)).contiguous()


def expert_rows(family: Family, model: torch.nn.Module, batch: int, loud: bool) -> dict[str, dict[str, torch.Tensor]]:
    """Place -> role -> rows, each expert called on its own by the block's own code."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    component, path, _ = family.stacks[0]
    for index, layer in enumerate(module(model, path)):
        block = getattr(layer, family.experts)
        inputs = capture.Recorder(batch, True).units(torch.zeros(batch, model.config.hidden_size))
        if loud:
            inputs = layer.post_attention_layernorm(inputs * LOUD)
        experts = block.experts
        for expert in range(experts.num_experts):
            chosen = torch.full((batch, 1), expert)
            recorder = capture.Recorder(batch, not loud)
            capture.CURRENT.append(recorder)
            call = lambda: experts(inputs, chosen, torch.ones(batch, 1))
            with torch.no_grad():
                if family.name == "gpt_oss":
                    recorder.networks.append(GptOssProbe(experts, recorder).rows(call))
                else:
                    call()
            capture.CURRENT.pop()
            found[f"{component}.{index}.{expert}"] = recorder.networks[-1]
        if hasattr(block, "shared_expert"):
            recorder = capture.Recorder(batch, not loud)
            capture.CURRENT.append(recorder)
            with torch.no_grad():
                block.shared_expert(inputs)
            capture.CURRENT.pop()
            found[f"{component}.{index}.1000000"] = recorder.networks[-1]
    return found


class GptOssProbe:
    """GPT-OSS gates inside one function: which of its inputs is which is found by trying them one at a time."""

    def __init__(self, experts, recorder):
        self.experts, self.original, self.recorder = experts, experts._apply_gate, recorder
        self.seen = None
        experts._apply_gate = self.watch

    def watch(self, gate_up):
        self.seen = gate_up
        return self.recorder.units(self.original(gate_up))

    def rows(self, call) -> dict[str, torch.Tensor]:
        output = call()
        self.experts._apply_gate = self.original
        count = self.seen.shape[-1]
        # A gate alone opens its unit (up + 1 is one there); an up alone does not, its gate being zero.
        alone = self.original(torch.eye(count))
        gates = [int(torch.nonzero(alone[:, unit].abs() > 0.1)[0]) for unit in range(alone.shape[1])]
        opened = torch.zeros(count)
        opened[gates] = 1.0
        base = self.original(opened[None])[0]
        moved = self.original(opened[None] + torch.eye(count)) - base
        ups = [next(int(c) for c in torch.nonzero(moved[:, unit].abs() > 0.1)[:, 0] if int(c) not in gates) for unit in range(alone.shape[1])]
        return {"gate": self.seen[:, gates], "up": self.seen[:, ups], "down": output}


def make(family: Family, out: Path) -> None:
    torch.manual_seed(0)
    if family.experts is not None:
        family.config._experts_implementation = "eager"
    model = family.model(family.config).eval()
    randomize(model, seed=sum(map(ord, family.name)))
    folder = out / family.name
    model.half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model.float()
    capture.tap_activations(model)
    capture.drop_head_norms(model)
    batch = sizes(model)

    plain = expert_rows(family, model, batch, loud=False) if family.experts else {}
    folded = expert_rows(family, model, batch, loud=True) if family.experts else {}
    if family.experts:
        for layer in module(model, family.stacks[0][1]):
            block = getattr(layer, family.experts)
            tuples = family.name == "gpt_oss"
            block.forward = (lambda hidden: (torch.zeros_like(hidden), None)) if tuples else torch.zeros_like

    recorder = capture.Recorder(batch, replace=True)
    output = run(family, model, recorder)
    for place, roles in collect(family, recorder).items():
        plain.setdefault(place, {}).update(roles)
    if family.pre_norm:
        recorder = capture.Recorder(batch, replace=False)
        hooks = loud_layers(family, model, recorder)
        loud_output = run(family, model, recorder)
        for hook in hooks:
            hook.remove()
        for place, roles in collect(family, recorder).items():
            folded.setdefault(place, {}).update(roles)
        tied = model.get_output_embeddings() is None or model.config.tie_word_embeddings
        if hasattr(loud_output, "logits") and not tied:
            component = "decoder" if family.cross else "language"
            folded[f"{component}.-1.-1"] = {"head": loud_output.logits[:, 0]}

    expected = {}
    for place, roles in plain.items():
        for role, rows in roles.items():
            matrix = capture.response(rows, inputs_of(model, role, roles))
            assert torch.equal(matrix.half().float(), matrix), (family.name, place, role)
            expected[f"{place}.{role}"] = matrix.half()
    rms = "RMS" in " ".join(type(m).__name__ for m in model.modules()) or family.cross
    for place, roles in folded.items():
        for role, rows in roles.items():
            if role not in ("o", "down", "cross_o"):
                expected[f"folded.{place}.{role}"] = centred(rows, width(model), rms).half()
    save_file(expected, folder / "expected.safetensors")
    print(family.name, len(expected), batch)


def width(model: torch.nn.Module) -> int:
    config = getattr(model.config, "vision_config", model.config)
    return getattr(config, "hidden_size", None) or config.d_model


def inputs_of(model: torch.nn.Module, role: str, roles: dict[str, torch.Tensor]) -> int:
    """The width that a linear reads: how many unit vectors it was fed."""
    before = {"o": "q", "cross_o": "cross_q", "down": "up"}.get(role)
    return width(model) if before is None else roles[before].shape[1]


if __name__ == "__main__":
    capture.install()
    names = sys.argv[2:]
    for family in families():
        if not names or family.name in names:
            make(family, Path(sys.argv[1]))
