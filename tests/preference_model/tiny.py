"""Real models, made small: random weights from a config, a tokenizer trained on a few lines, both saved to disk."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

LINES = [
    "The quick brown fox jumps over the lazy dog.",
    "Why is the sky blue? Air scatters blue light more than red light.",
    "user assistant system answer question, number 0123456789",
    "Be helpful, be brief: add two and two, then say four.",
]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
)
SPECIAL = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
SIZE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
DECODERS = {
    "llama": (LlamaConfig, LlamaForSequenceClassification, {"num_key_value_heads": 2}),
    "qwen2": (Qwen2Config, Qwen2ForSequenceClassification, {"num_key_value_heads": 2}),
    "mistral": (MistralConfig, MistralForSequenceClassification, {"num_key_value_heads": 2, "sliding_window": 24}),
}


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with a chat template, like the decoders' own."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        LINES,
        trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", inner.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        chat_template=TEMPLATE,
        model_max_length=512,
        extra_special_tokens=["<|im_start|>", "<|im_end|>"],
    )


def word_tokenizer() -> PreTrainedTokenizerFast:
    """WordPiece with [CLS] and [SEP], like BERT's. The words are listed: a trainer's order differs from run to run."""
    splitter = pre_tokenizers.BertPreTokenizer()
    words = {word for line in LINES for word, _ in splitter.pre_tokenize_str(line)}
    letters = {letter for word in words for letter in word}
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(words | letters | {f"##{letter}" for letter in letters})]
    inner = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    inner.pre_tokenizer = splitter
    marks = [(mark, inner.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=256,
    )


def decoder(folder: Path, kind: str = "llama", labels: int = 1, seed: int = 0) -> Path:
    """A sequence classifier of that architecture, in a folder."""
    make, model, more = DECODERS[kind]
    tokenizer = byte_tokenizer()
    torch.manual_seed(seed)
    config = make(
        vocab_size=len(tokenizer),
        num_labels=labels,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        **SIZE,
        **more,
    )
    return _saved(model(config), tokenizer, folder)


def encoder(folder: Path, labels: int = 1, seed: int = 0) -> Path:
    tokenizer = word_tokenizer()
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=labels, max_position_embeddings=256, **SIZE)
    return _saved(BertForSequenceClassification(config), tokenizer, folder, gain=8.0)


def _saved(model, tokenizer, folder: Path, gain: float = 2.0) -> Path:
    with torch.no_grad():  # scores that differ from text to text, and not by a hair
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(8.0 if "score" in name or "classifier" in name else gain)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
