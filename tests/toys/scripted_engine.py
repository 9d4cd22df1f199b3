"""An engine that writes what a script says, for tests of what stands on an engine, and a tokenizer of single letters."""

from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from grpo_trainer.rollout import Completion


class ScriptedEngine:
    """scripts: by prompt (none begins as another does), all that the policy writes there, and then the end token.

    It stops at pauses, at the end token and at limits, as an engine does. seen: the rows of each call, as text.
    """

    own_weights = True

    def __init__(self, tokenizer, scripts):
        self._tokenizer = tokenizer
        self._scripts = scripts
        self._left = {}
        self.seen = []

    def sync(self, policy):
        """Nothing to follow."""

    def release(self):
        """Nothing to give back."""

    def generate(self, prompts, sampling, limits=None):
        rows = [self._tokenizer.decode(ids) for ids in prompts]
        self.seen.append(rows)
        for row, text in enumerate(rows):
            prompt = next(prompt for prompt in self._scripts if text.startswith(prompt))
            if text == prompt:
                ids = self._tokenizer.encode(self._scripts[prompt], add_special_tokens=False)
                self._left[prompt] = [*ids, self._tokenizer.eos_token_id]
            yield self._part(row, self._left[prompt], sampling, limits[row] if limits else sampling.max_tokens)

    def _part(self, row, left, sampling, limit):
        ids = []
        while len(ids) < limit:
            ids.append(left.pop(0))
            if ids[-1] in (*sampling.pauses, self._tokenizer.eos_token_id):
                return Completion(row, ids, [-0.5] * len(ids), truncated=False)
        return Completion(row, ids, [-0.5] * len(ids), truncated=True)


def letters_tokenizer():
    """One token a character of ASCII, and one that ends a tag together with its line."""
    tokens = ["<eos>", *(chr(code) for code in range(32, 127)), "\n", ">\n"]
    inner = Tokenizer(models.BPE({token: place for place, token in enumerate(tokens)}, [(">", "\n")]))
    inner.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>")
