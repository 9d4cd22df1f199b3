"""A tokenizer of about 120 tokens and a decoder of 0.65 M to 5 M parameters, both from nothing but code.

The model type is `mistral`: for `qwen2`, transformers 5 replaces a custom tokenizer by its own class, which drops tokens.
Embeddings are not tied: an engine that reloads weights would silently keep the old head of tied ones.
"""

from __future__ import annotations

from functools import cache

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from grpo_trainer.tasks.signs import WORDS

PAD, EOS, UNK = "<pad>", "<eos>", "<unk>"
MAX_POSITIONS = 512
# The results of sums are tokens of their own: a model of this size does not learn to write them by digits.
_TOKENS = (
    *(PAD, EOS, UNK),
    *("<think>", "</think>", "<answer>", "</answer>", "@en", "@zh"),
    *(word for words in WORDS.values() for word in words.values()),
    *"QS,:?+-=0123456789 \n",
    *(f"={result}" for result in range(-45, 46)),
)


@cache
def tokenizer(more: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    """Longest token first, everything else character by character; unknown characters are <unk>.

    more: tokens that a task needs beside those of all.
    """
    tokens = (*_TOKENS, *more)
    words = sorted(tokens[3:], key=len, reverse=True)
    pattern = "|".join(_escaped(word) for word in words)
    core = Tokenizer(WordLevel({token: index for index, token in enumerate(tokens)}, unk_token=UNK))
    core.pre_tokenizer = Split(Regex(f"{pattern}|."), behavior="isolated")
    core.decoder = Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=EOS, unk_token=UNK, clean_up_tokenization_spaces=False
    )


def decoder(
    layers: int = 3, width: int = 128, heads: int = 4, seed: int = 0, more: tuple[str, ...] = ()
) -> MistralForCausalLM:
    """A randomly initialised decoder for `tokenizer(more)`: 3 x 128 has 0.68 M parameters, 6 x 256 has 4.8 M. fp32."""
    words = tokenizer(more)
    config = MistralConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=MAX_POSITIONS,
        sliding_window=None,
        tie_word_embeddings=False,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MistralForCausalLM(config)


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in "?+-\\.|()[]{}*^$" else letter for letter in word)
