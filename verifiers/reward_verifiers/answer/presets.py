"""Options by data set: kind, tolerance and where the answer stands, and what its references hold in place of an answer.

An option that a domain names itself goes before its preset's.
"""

from __future__ import annotations

from typing import Any

_PROMPTED = ["answer_tag", "boxed", "####", "phrase", "short", "last_line", "final_number", "last_math", "last_number"]
PRESETS: dict[str, dict[str, Any]] = {
    "math500": {"kind": "math"},
    "aime": {"kind": "number"},
    "gsm8k": {
        "kind": "number",
        "extract": ["####", "answer_tag", "boxed", "phrase", "last_line", "final_number", "last_number"],
    },
    "numina": {"kind": "math"},
    "dapo": {"kind": "math", "extract": ["regex:(?i)answer\\s*:\\s*([^\\n]+)", *_PROMPTED]},
    "deepmath": {"kind": "math"},
    "scibench": {"kind": "math", "tolerance": {"relative": 0.05}},
    "minerva": {"kind": "math", "tolerance": {"relative": 0.01}},
    "theoremqa": {"kind": "math", "tolerance": {"relative": 0.04}},
    "olympiad": {"kind": "math"},
    "gpqa": {"kind": "choice"},
    "gaokao": {"kind": "math"},
    "college_math": {"kind": "math"},
}
SENTINELS = frozenset(
    {"proof", "notfound", "not found", "n/a", "na", "nan", "null", "error", "unknown", "see solution", "no answer", "-"}
)
"""What such sets write where they have no answer."""


def with_preset(options: dict[str, Any]) -> dict[str, Any]:
    """Options with those of their preset under them."""
    name = options.get("preset")
    return {**PRESETS[name], **options} if isinstance(name, str) and name in PRESETS else options
