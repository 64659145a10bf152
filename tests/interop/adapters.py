"""Adapters as peft saves them, their bases, and what peft's merge_and_unload makes of both.

    adapters.py DIRECTORY

Writes DIRECTORY/NAME/adapter and DIRECTORY/NAME/base for each case, and beside them merged.safetensors with the merged values in f32.
"""
import json
import re
import sys
from pathlib import Path

import torch
from peft import IA3Config, LoHaConfig, LoKrConfig, LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    Qwen2Config,
    Qwen2ForCausalLM,
    ViTConfig,
    ViTModel,
)

ROOT = Path(sys.argv[1])
SIZES = dict(hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=96, max_position_embeddings=32)
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def llama(**more):
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=False, **more))


def gpt2():
    torch.manual_seed(2)
    return GPT2LMHeadModel(GPT2Config(n_embd=48, n_layer=2, n_head=4, vocab_size=80, n_positions=32))


def shaken(model, prefixes=("lora_", "hada_", "lokr_", "ia3_", "modules_to_save", "bias")):
    """Every trained number moved, as training would."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and any(prefix in name for prefix in prefixes):
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
    return model


def tensors_of(model):
    """Without what several names share."""
    seen, tensors = set(), {}
    for name, value in model.state_dict().items():
        if value.data_ptr() in seen and value.numel() > 0:
            continue
        seen.add(value.data_ptr())
        tensors[name] = value.detach().contiguous().clone()
    return tensors


def stored(model, directory):
    """By the names that adapters have: save_pretrained writes those of older releases for some models."""
    directory.mkdir(parents=True)
    save_file(tensors_of(model), directory / "model.safetensors")
    model.config.save_pretrained(directory)


def case(name, model, config, base=None, resize=None):
    directory = ROOT / name
    stored(base or model, directory / "base")
    if resize is not None:
        model.resize_token_embeddings(resize)
    adapted = shaken(get_peft_model(model, config))
    adapted.save_pretrained(directory / "adapter")
    merged = {key: value.float() for key, value in tensors_of(adapted.merge_and_unload()).items()}
    save_file(merged, directory / "merged.safetensors")
    return directory


def lora(**more):
    return LoraConfig(**{"r": 8, "lora_alpha": 16, "target_modules": LINEARS, **more})


def peft_cases():
    case("lora", llama(), lora())
    case("lora-bf16", llama().bfloat16(), lora())
    case("rslora", llama(), lora(use_rslora=True))
    case("dora", llama(), lora(use_dora=True))
    patterns = dict(
        rank_pattern={"layers.0.self_attn.q_proj": 4, r".*\.1\.mlp\.[a-z]+_proj": 3},
        alpha_pattern={"^model.layers.1.mlp.down_proj": 5, "v_proj": 7},
    )
    case("patterns", llama(), lora(**patterns))
    case("patterns-rslora", llama(), lora(use_rslora=True, **patterns))
    case("headless-base", llama(), lora(), base=llama().model)
    convolved = dict(target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)
    case("gpt2", gpt2(), lora(**convolved))
    case("gpt2-square", gpt2(), lora(target_modules=["attn.c_proj"], fan_in_fan_out=True))
    case("gpt2-dora", gpt2(), lora(use_dora=True, **convolved))
    case("embedding", llama(), lora(target_modules=["embed_tokens", "q_proj", "lm_head"]))
    case("embedding-dora", llama(), lora(target_modules=["embed_tokens", "q_proj"], use_dora=True))
    case("embedding-gpt2", gpt2(), lora(target_modules=["wte", "c_attn"], fan_in_fan_out=True))
    classifier = LlamaForSequenceClassification(LlamaConfig(**SIZES, num_labels=3, pad_token_id=0))
    classifier.model.load_state_dict(llama().model.state_dict())
    case("modules-to-save", classifier, lora(task_type="SEQ_CLS"), base=llama())
    case("vocabulary", llama(), lora(modules_to_save=["embed_tokens", "lm_head"]), resize=104)
    torch.manual_seed(5)
    case("bias-all", Qwen2ForCausalLM(Qwen2Config(**SIZES)), lora(bias="all"))
    torch.manual_seed(5)
    case("bias-lora-only", Qwen2ForCausalLM(Qwen2Config(**SIZES)), lora(bias="lora_only"))
    torch.manual_seed(5)
    case("lora-bias", Qwen2ForCausalLM(Qwen2Config(**SIZES)), lora(target_modules=["q_proj", "v_proj"], lora_bias=True))
    case("loha", llama(), LoHaConfig(r=4, alpha=8, target_modules=LINEARS))
    case("lokr", llama(), LoKrConfig(r=4, alpha=8, target_modules=LINEARS))
    case("lokr-both", llama(), LoKrConfig(r=2, alpha=8, target_modules=LINEARS, decompose_both=True, decompose_factor=8))
    case("lokr-whole", llama(), LoKrConfig(r=64, alpha=8, target_modules=LINEARS))
    case("ia3", llama(), IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]))
    torch.manual_seed(5)
    case("ia3-bias", Qwen2ForCausalLM(Qwen2Config(**SIZES)), IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]))
    case("ia3-gpt2", gpt2(), IA3Config(target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"], fan_in_fan_out=True))
    torch.manual_seed(6)
    vit = ViTConfig(hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=16, patch_size=4)
    case("convolution", ViTModel(vit, add_pooling_layer=False), lora(target_modules=["projection", "q_proj", "v_proj", "query", "value"]))
    torch.manual_seed(6)
    case("convolution-dora", ViTModel(vit, add_pooling_layer=False), lora(target_modules=["projection"], use_dora=True))
    torch.manual_seed(6)
    case("convolution-lokr", ViTModel(vit, add_pooling_layer=False), LoKrConfig(r=4, alpha=8, target_modules=["projection"]))


def renamed(name, rename, alpha):
    """An adapter of CLIP's text model under the names of other programs, its settings only in the file."""
    torch.manual_seed(7)
    model = CLIPTextModel(CLIPTextConfig(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, vocab_size=80, max_position_embeddings=16))
    # Where no scale is stored it is one.
    settings = lora(target_modules=["q_proj", "k_proj", "v_proj", "out_proj", "fc1"], lora_alpha=4 if alpha else 8)
    directory = case(name, model, settings)
    adapter = directory / "adapter"
    tensors = {}
    for key, value in load_file(adapter / "adapter_model.safetensors").items():
        module, side = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", key).groups()
        module = module if module.startswith("text_model.") else f"text_model.{module}"
        tensors[rename(module, side)] = value
        if alpha:
            tensors[rename(module, "alpha")] = torch.tensor(4.0)
    for file in adapter.iterdir():
        file.unlink()
    save_file(tensors, adapter / f"{name}.safetensors")


def other_names():
    ends = {"A": "lora_down.weight", "B": "lora_up.weight", "alpha": "alpha"}
    renamed("kohya", lambda module, side: f"lora_te_{module.replace('.', '_')}.{ends[side]}", True)
    older = {"A": "lora.down.weight", "B": "lora.up.weight"}
    renamed("diffusers", lambda module, side: f"text_encoder.{module}.{older[side]}", False)
    linear = {"A": "lora_linear_layer.down.weight", "B": "lora_linear_layer.up.weight"}
    renamed("diffusers-linear", lambda module, side: f"text_encoder.{module}.{linear[side]}", False)


def packed_base():
    """bitsandbytes' NF4: peft merges into what its library reads out of the codes."""
    import bitsandbytes.functional as bnb

    model = llama()
    packed = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not re.search(r"layers\..*_proj\.weight$", name) or parameter.shape[1] % 64 != 0:
                packed[name] = parameter.detach().clone()
                continue
            codes, quantised = bnb.quantize_4bit(parameter, blocksize=64, quant_type="nf4")
            packed[name] = codes
            for key, value in quantised.as_dict(packed=True).items():
                packed[f"{name}.{key}"] = value
            parameter.copy_(bnb.dequantize_4bit(codes, quantised))
    directory = case("base-nf4", model, lora())
    save_file(packed, directory / "base" / "model.safetensors")
    config = json.loads((directory / "base" / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    (directory / "base" / "config.json").write_text(json.dumps(config))


peft_cases()
other_names()
packed_base()
