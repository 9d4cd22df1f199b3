"""How a completion presents its answer. The control finds the one that a domain asks for.

Think texts are plain English without a number, so that they decide nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

THINK = "Let me think about this step by step and be careful."
OTHER_THINK = "First I read the question again. Then I work through it slowly and check every step."


@dataclass(frozen=True, slots=True)
class Frame:
    """pattern: with {think} and {answer}."""

    name: str
    pattern: str

    @property
    def thinks(self) -> bool:
        return "{think}" in self.pattern

    @property
    def is_line(self) -> bool:
        """Whether a line's end is the answer's end."""
        return "#### {answer}" in self.pattern or "swer: {answer}" in self.pattern or "is {answer}" in self.pattern

    def text(self, answer: str, think: str = THINK) -> str:
        inner = json.dumps(answer)[1:-1] if self.name == "json" else answer
        return self.pattern.replace("{think}", think).replace("{answer}", inner)


ANSWER_FRAMES = (
    Frame("think, answer", "<think>{think}</think><answer>{answer}</answer>"),
    Frame("think, answer, box", "<think>{think}</think><answer>\\boxed{{answer}}</answer>"),
    Frame("think, box", "<think>{think}</think>\n\\boxed{{answer}}"),
    Frame("think, sentence", "<think>{think}</think>\nThe answer is {answer}."),
    Frame("think, bare", "<think>{think}</think>\n{answer}"),
    Frame("box", "\\boxed{{answer}}"),
    Frame("answer tag", "<answer>{answer}</answer>"),
    Frame("sentence", "The answer is {answer}."),
    Frame("hash marks", "#### {answer}"),
    Frame("final line", "Answer: {answer}"),
    Frame("bold", "**{answer}**"),
    Frame("json", '{"answer": "{answer}"}'),
    Frame("bare", "{answer}"),
)
PROGRAM_FRAMES = (
    Frame("think, answer, block", "<think>{think}</think><answer>\n```python\n{answer}\n```\n</answer>"),
    Frame("think, block", "<think>{think}</think>\n```python\n{answer}\n```"),
    Frame("block", "```python\n{answer}\n```"),
    Frame("bare", "{answer}"),
)
QUERY_FRAMES = tuple(
    Frame(frame.name, frame.pattern.replace("```python", "```sql")) for frame in PROGRAM_FRAMES
)  # the languages' names stand in the fences
DOCUMENT_FRAMES = (
    Frame("think, block", "<think>{think}</think>\n```json\n{answer}\n```"),
    Frame("think, answer", "<think>{think}</think><answer>{answer}</answer>"),
    Frame("think, bare", "<think>{think}</think>\n{answer}"),
    Frame("block", "```json\n{answer}\n```"),
    Frame("bare", "{answer}"),
)
CALL_FRAMES = (
    Frame("think, bare", "<think>{think}</think>\n{answer}"),
    Frame("think, answer", "<think>{think}</think><answer>{answer}</answer>"),
    Frame("bare", "{answer}"),
)
RESPONSE_FRAMES = (Frame("think, bare", "<think>{think}</think>\n{answer}"), Frame("bare", "{answer}"))
WHOLE = (Frame("bare", "{answer}"), Frame("think, answer", "<think>{think}</think><answer>{answer}</answer>"))
FRAMES = {
    "answer": ANSWER_FRAMES,
    "program": PROGRAM_FRAMES,
    "query": QUERY_FRAMES,
    "document": DOCUMENT_FRAMES,
    "calls": CALL_FRAMES,
    "instructed": RESPONSE_FRAMES,
    "judged": WHOLE,
}


def call_text(calls: list[dict[str, Any]]) -> str:
    """Calls as Hermes and Qwen write them."""
    return "\n".join(
        f"<tool_call>{json.dumps({'name': call['name'], 'arguments': call.get('arguments', {})})}</tool_call>"
        for call in calls
    )
