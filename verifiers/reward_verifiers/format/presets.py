"""Templates by name: R1's own, and those of model families as their chat templates write them.

A family's thinking may be opened by its template (`prefill_auto`), so that the completion begins inside it. Thinking that is
switched off leaves an empty section where the template writes one (`min_think_chars: 0`).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

_THINK = {"opening": "<think>", "closing": "</think>"}


def _rest(opening: str = "<think>", closing: str = "</think>", **more: Any) -> dict[str, Any]:
    """Thinking, then the answer without a mark of its own; opened by the template or by the model."""
    return {"sections": [{"opening": opening, "closing": closing}], "answer": "rest", "prefill_auto": True, **more}


def _two(*marks: tuple[str, str], **more: Any) -> dict[str, Any]:
    sections = [{"opening": opening, "closing": closing} for opening, closing in marks]
    return {"sections": sections, "answer": "tag", "prefill_auto": True, **more}


_HYBRID: dict[str, Any] = {"min_think_chars": 0}
_R1: dict[str, Any] = {"tags": ["think", "answer"], "answer": "tag"}
_CALLS: dict[str, Any] = {"tags": ["think", "tool_call"], "answer": "calls", "text_outside": "before_calls"}
_DEEPSEEK_CALLS = [
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁calls▁end｜>",
]
_KIMI_CALLS = [
    "<|tool_calls_section_begin|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
    "<|tool_calls_section_end|>",
]  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    "think_answer": _R1,
    "r1": _R1,
    "open_r1": {**_R1, "newlines": True},
    "think_rest": {"tags": ["think"], "answer": "rest"},
    "tool_call": _CALLS,
    # model families
    "qwen3": _rest(**_HYBRID),
    "qwen3_thinking": _rest(prefill="<think>"),
    "qwq": _rest(prefill="<think>"),
    "deepseek_r1": _rest(prefill="<think>"),
    "deepseek_v3_1": _rest(prefill="<think>", **_HYBRID, own_tokens=_DEEPSEEK_CALLS),
    "deepseek_v3_2": _rest(prefill="<think>", **_HYBRID, own_tokens=_DEEPSEEK_CALLS),
    "deepseek_v4": _rest(prefill="<think>", **_HYBRID),
    "gpt_oss": {"sections": [{"opening": "<|channel|>analysis<|message|>", "closing": "<|end|>"}], "answer": "harmony"},
    "magistral": _rest("[THINK]", "[/THINK]", own_tokens=["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"]),
    "kimi": _rest(own_tokens=_KIMI_CALLS),
    "kimi_k3": _two(
        ("<|open|>think<|sep|>", "<|close|>think<|sep|>"), ("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
        **_HYBRID, eos=["<|close|>message<|sep|>", "<|end_of_msg|>"],
    ),
    "kimi_vl": _rest("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    "glm": _rest(**_HYBRID, eos=["<|user|>", "<|observation|>", "<|endoftext|>"]),
    "seed_oss": _rest("<seed:think>", "</seed:think>", **_HYBRID, eos=["<seed:eos>"]),
    "minimax": _rest(prefill="<think>", eos=["[e~[", "<end_of_sentence>"]),
    "minimax_m3": _rest("<mm:think>", "</mm:think>", **_HYBRID, eos=["[e~[", "<end_of_sentence>"]),
    "granite": _two(("<think>", "</think>"), ("<response>", "</response>"), prefill_auto=False),
    "granite_3_2": _rest("Here is my thought process:", "Here is my response:", prefill_auto=False),
    "command_a": _two(
        ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        own_tokens=["<|START_TEXT|>", "<|END_TEXT|>"],
    ),
    "command_4": _two(
        ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|START_TEXT|>", "<|END_TEXT|>"), prefill="<|START_THINKING|>",
        **_HYBRID,
    ),
    "gemma": _rest("<|channel>thought", "<channel|>", **_HYBRID, eos=["<turn|>", "<end_of_turn>", "<eos>"]),
    "phi4_reasoning": _rest(),
    "openthinker": _two(
        ("<|begin_of_thought|>", "<|end_of_thought|>"), ("<|begin_of_solution|>", "<|end_of_solution|>")
    ),
    "nemotron": _rest(prefill="<think>", **_HYBRID, eos=["<SPECIAL_12>", "<SPECIAL_11>", "<|eot_id|>", "<|im_end|>"]),
    "exaone": _rest(prefill="<think>", **_HYBRID, eos=["[|endofturn|]"]),
    "exaone_deep": _rest("<thought>", "</thought>", prefill="<thought>", eos=["[|endofturn|]"]),
    "hunyuan": _two(("<think>", "</think>"), ("<answer>", "</answer>"), **_HYBRID,
        eos=["<|eos|>", "<｜hy_place▁holder▁no▁2｜>"],
    ),
    "ernie": _two(("<think>", "</think>"), ("<response>", "</response>"), eos=["</s>", "<|end_of_sentence|>"]),
    "smollm3": _rest(**_HYBRID),
    "olmo3": _rest(prefill="<think>"),
    "mimo": _rest(**_HYBRID),
    "step3": _rest(prefill="<think>"),
    "internlm": _rest(),
    "longcat": _rest("<longcat_think>", "</longcat_think>", **_HYBRID, eos=["</longcat_s>"]),
    "apertus": _rest("<|inner_prefix|>", "<|inner_suffix|>", eos=["<|assistant_end|>", "</s>"]),
    # tools
    "hermes": {
        "tags": ["think", "tool_call"], "answer": "rest_or_calls", "think_optional": True, "interleaved": True,
        "text_outside": "any", "prefill_auto": True,
    },
    "search_r1": {"tags": ["think", "search", "information", "answer"], "answer": "tag", "interleaved": True},
}  # fmt: skip


def check_preset(name: str) -> str:
    """The name itself. Raises ValueError with the nearest preset when there is none of this name."""
    if name in PRESETS:
        return name
    plain = name.lower().replace("-", "_").replace(".", "_").replace(" ", "_")
    near = [plain] if plain in PRESETS else get_close_matches(plain, PRESETS, n=1, cutoff=0.5)
    near = near or [preset for preset in PRESETS if preset.startswith(plain[:4]) or plain.startswith(preset)][:1]
    hint = f"; the nearest is {near[0]!r}" if near else ""
    raise ValueError(f"there is no template {name!r}{hint}; the templates are {', '.join(PRESETS)}")
