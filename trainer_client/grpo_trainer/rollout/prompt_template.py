"""From a problem's prompt to the text that the policy reads."""

from __future__ import annotations

import warnings
from typing import Any

CHAT = "chat"
_OPENING = "<think>"


class PromptTemplate:
    """template: text with `{prompt}` in it, `chat` for the tokenizer's chat template, or None: prompts as they stand.

    Raises ValueError for `chat` with a tokenizer that has no chat template.
    """

    def __init__(self, template: str | None, tokenizer: Any) -> None:
        if template == CHAT and not tokenizer.chat_template:
            raise ValueError("model.template: the tokenizer has no chat template; write one as text with {prompt}")
        self._template, self._tokenizer = template, tokenizer

    def render(self, prompt: str) -> str:
        if self._template is None:
            return prompt
        if self._template == CHAT:
            messages = [{"role": "user", "content": prompt}]
            text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            return text
        return self._template.replace("{prompt}", prompt)

    def prefix(self, prompt: str) -> str:
        """What the template has already written of the completion: `<think>` at its end, and the blanks after it."""
        _, opening, rest = self.render(prompt).rpartition(_OPENING)
        return opening + rest if opening and not rest.strip() else ""

    def warn_when_unused(self) -> None:
        """A chat model that reads bare prompts answers far below its ability, and nothing else shows it."""
        if self._template is None and getattr(self._tokenizer, "chat_template", None):
            warnings.warn(
                "the tokenizer has a chat template, and the prompts go to the policy without it: set `template: chat` "
                "under `model`, or `template: '{prompt}'` if that is what you want",
                stacklevel=2,
            )
