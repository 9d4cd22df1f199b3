"""In TRL's environment: GRPOTrainer with our tools by `environment_factory`, two steps on the CPU.

The model's layers are small and random, and trained; what it writes comes from a script, since a random model calls no tool.
Parsing, calling, masking, rewards and advantages are TRL's own, behind the chat template of Qwen3.

Arguments: a folder to work in, JSON of the data set's rows, and JSON of the script: for each completion of a group its
turns, where `{output}` is what the tool before wrote. Prints the rows that TRL logged, what it masked, the sessions of the
last step, and the metrics.
"""

import json
import re
import sys
from pathlib import Path

import torch
from bytes_tokenizer import bytes_tokenizer
from datasets import Dataset
from train import completions, logs
from transformers import MistralConfig, MistralForCausalLM
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen3_chat_template

from trainer_client.adapters.trl import reward
from trainer_client.adapters.trl_tools import Tools

EOS = "<|im_end|>"
OUTPUT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)


class Scripted(MistralForCausalLM):
    """Its `generate` alone is scripted: a row's next turn, by what the row has so far."""

    def generate(self, input_ids, attention_mask, **_):
        rows = [self.words.decode(ids[mask.bool()]) for ids, mask in zip(input_ids, attention_mask, strict=True)]
        turns = [self.words.encode(self.turn(number, row) + EOS) for number, row in enumerate(rows)]
        longest = max(map(len, turns))
        padded = [turn + [self.words.pad_token_id] * (longest - len(turn)) for turn in turns]
        return torch.cat([input_ids, torch.tensor(padded)], dim=1)

    def turn(self, number, text):
        outputs = OUTPUT.findall(text)
        # Later on only the rows that called are here: each is known by its first turn.
        way = next((way for way in self.script if way[0] in text), self.script[number % len(self.script)])
        return way[len(outputs)].replace("{output}", outputs[-1] if outputs else "")


class Seen(GRPOTrainer):
    """Keeps what it trains on."""

    def _generate_and_score_completions(self, inputs):
        made = super()._generate_and_score_completions(inputs)
        for ids, mask, tools in zip(made["completion_ids"], made["completion_mask"], made["tool_mask"], strict=True):
            is_there = mask.bool()
            own, others = ids[is_there & tools.bool()], ids[is_there & ~tools.bool()]
            self.seen.append({"own": self.words.decode(own), "tools": self.words.decode(others)})
        return made


def main():
    folder, rows, script = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
    words = bytes_tokenizer()
    words.chat_template = qwen3_chat_template
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        sliding_window=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        bos_token_id=None,
    )
    model = Scripted(config)
    model.words, model.script = words, script
    before = torch.cat([value.flatten() for value in model.state_dict().values()])
    settings = GRPOConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        learning_rate=1e-3,
        max_steps=2,
        num_generations=len(script),
        per_device_train_batch_size=8,
        max_completion_length=600,
        logging_steps=1,
        save_strategy="steps",
        save_steps=2,
        log_completions=True,
        report_to="none",
        seed=1,
    )
    trainer = Seen(
        model,
        environment_factory=Tools,
        reward_funcs=reward,
        train_dataset=Dataset.from_list(rows),
        processing_class=words,
        args=settings,
    )
    trainer.words, trainer.seen = words, []
    trainer.train()
    after = torch.cat([value.flatten() for value in model.state_dict().values()])
    moved = (after - before).abs().max().item()
    sessions = [one.touchstone_session for one in trainer.environments]
    message = {"rows": completions(folder), "seen": trainer.seen, "sessions": sessions, "logs": logs(folder)}
    print(json.dumps({**message, "moved": moved}))


main()
