"""English verbs that a response may begin with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_IRREGULAR = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "has",
        "have",
        "had",
        "having",
        "does",
        "do",
        "did",
        "doing",
        "done",
        "go",
        "goes",
        "went",
        "going",
        "gone",
        "made",
        "making",
        "makes",
        "took",
        "taking",
        "takes",
        "taken",
        "got",
        "getting",
        "gets",
        "given",
        "giving",
        "gives",
        "gave",
        "came",
        "coming",
        "comes",
        "saw",
        "seen",
        "seeing",
        "sees",
        "knew",
        "known",
        "thought",
        "thinking",
        "thinks",
        "found",
        "finding",
        "finds",
        "told",
        "telling",
        "tells",
        "said",
        "saying",
        "says",
        "kept",
        "left",
        "felt",
        "brought",
        "bought",
        "built",
        "began",
        "begun",
        "became",
        "chose",
        "chosen",
        "drew",
        "drawn",
        "drove",
        "driven",
        "ate",
        "eaten",
        "fell",
        "fallen",
        "flew",
        "forgot",
        "grew",
        "grown",
        "held",
        "heard",
        "led",
        "lost",
        "meant",
        "met",
        "paid",
        "ran",
        "read",
        "rose",
        "sang",
        "sat",
        "sent",
        "set",
        "shown",
        "sold",
        "spoke",
        "spoken",
        "spent",
        "stood",
        "taught",
        "understood",
        "won",
        "wore",
        "wrote",
        "written",
        "running",
        "sitting",
        "setting",
        "getting",
        "letting",
        "putting",
        "cutting",
        "beginning",
        "planning",
        "stopping",
        "swimming",
        "winning",
        "dying",
        "lying",
        "tying",
        "lies",
        "dies",
        "ties",
    ]
)
_VOWELS = "aeiou"


@lru_cache(maxsize=1)
def _forms() -> frozenset[str]:
    bases = (Path(__file__).parent / "data" / "verbs.txt").read_text("utf-8").split()
    return _IRREGULAR.union(*(_inflected(base) for base in bases))


def _inflected(base: str) -> set[str]:
    """The regular forms; doubled consonants are accepted beside single ones."""
    if base.endswith("e"):
        return {base, f"{base}s", f"{base}d", f"{base[:-1]}ing"}
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return {base, f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing"}
    plural = f"{base}es" if base.endswith(("s", "x", "z", "ch", "sh", "o")) else f"{base}s"
    return {base, plural, f"{base}ed", f"{base}ing", f"{base}{base[-1]}ed", f"{base}{base[-1]}ing"}


def is_verb(word: str) -> bool:
    """Whether a word may be a verb, in any of its forms.

    >>> is_verb("Consider"), is_verb("Planning"), is_verb("The")
    (True, True, False)
    """
    return word.lower() in _forms()
