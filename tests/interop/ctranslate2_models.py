"""Small models of three architectures, and what CTranslate2's own converters make of them: ctranslate2_models.py DIRECTORY"""
import os
import sys

import torch
import transformers as T
from ctranslate2.converters import transformers as C

OUT = sys.argv[1]
V = 301
seq = dict(d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
           encoder_ffn_dim=128, decoder_ffn_dim=128, vocab_size=V)
MODELS = {
    "marian": (T.MarianMTModel, C.MarianMTLoader, T.MarianConfig(
        **seq, pad_token_id=V - 1, decoder_start_token_id=V - 1, eos_token_id=0, max_position_embeddings=64)),
    "whisper": (T.WhisperForConditionalGeneration, C.WhisperLoader, T.WhisperConfig(
        **seq, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=3, num_mel_bins=40,
        max_source_positions=60, max_target_positions=40, suppress_tokens=None, begin_suppress_tokens=None)),
    "llama": (T.LlamaForCausalLM, C.LlamaLoader, T.LlamaConfig(
        hidden_size=64, intermediate_size=160, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=V)),
}

torch.manual_seed(5)
for name, (model_class, loader, config) in MODELS.items():
    model = model_class(config)
    with torch.no_grad():
        for key, value in model.named_parameters():
            # Biases are zeros at the start, by which a wrong one would pass for a right one.
            if value.ndim == 1:
                value.add_(torch.randn_like(value) * 0.1)
    model.save_pretrained(os.path.join(OUT, name))
    for quantisation in ("float32", "float16", "bfloat16", "int16", "int8", "int8_float16"):
        spec = loader().get_model_spec(model_class.from_pretrained(os.path.join(OUT, name)))
        size = spec.decoder.embeddings.weight.shape[0]
        tokens = [f"t{i}" for i in range(size)]
        if name == "marian":
            spec.register_source_vocabulary(tokens)
            spec.register_target_vocabulary(tokens)
        else:
            spec.register_vocabulary(tokens)
        spec.validate()
        spec.optimize(quantization=quantisation)
        directory = os.path.join(OUT, f"{name}-{quantisation}")
        os.makedirs(directory)
        # What `save` does beside this is about tokens, of which these models have none.
        spec._serialize(os.path.join(directory, "model.bin"))
        open(os.path.join(directory, "shared_vocabulary.json"), "w").write("[]")
