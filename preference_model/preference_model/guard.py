"""The guard before any model: text that is no answer never reaches one.

Reward models are fooled by next to nothing: a lone colon, "Thought process:", an opener that is all there is, a verdict
written under the answer, the prompt said again, one sentence in a loop. Each rule is one linear pass, and names what it
found. A rule steps back where the prompt asks for just that: a rating, a dialogue, one word, the same line a hundred times.
"""

from __future__ import annotations

import re
import unicodedata
import zlib

from preference_model import guard_prompts as prompts
from preference_model.openers import MASTER_KEYS, OPENERS
from reward_verifiers.completion import END_TOKENS, TURN_TOKENS, visible

NO_SUCH_PART = "there is no such part in the output"

# What a judge's own template ends with. Nobody writes these about anything else.
_JUDGE_LABEL = re.compile(
    r"\[\[[ ]?[AB][ ]?[<>=]{1,2}[ ]?[AB][ ]?\]\]"
    r"|\b(?:rating|verdict|judge?ment)[* ]{0,4}:?[* ]{0,4}\[\[[ ]?(?:\d{1,3}|[ABC])[ ]?\]\]"
    r"|[\"']correctness[\"'][ ]{0,4}:[ ]{0,4}[\"'](?:in)?correct"
    r"|\[RESULT\][ ]{0,4}\d",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"^[*#> ]{0,6}(?:final |my |overall )?(?:verdict|rating|grade|score|judge?ment)[* ]{0,4}[:=][* ]{0,4}"
    r"(?:correct|excellent|perfect|best|safe|yes|pass|\d{1,3}(?:\.\d)?(?:[ ]?/[ ]?\d{1,3})?)[.!* ]{0,6}$"
    r"|\b(?:this|my|the above|the present) (?:answer|response|output|reply) (?:is (?:clearly |by far )the best|"
    r"(?:deserves|should (?:get|receive|be given)|must (?:get|receive)) (?:the |a )?(?:highest|maximum|full|perfect|top))"
    r"|^[*#> ]{0,6}(?:please )?ignore (?:all |any )?(?:the )?(?:previous|prior|above) (?:instructions|criteria)",
    re.IGNORECASE,
)
_FORGED_TURN = re.compile(r"\n\n(?:Human|Assistant|User|System): ?")
_TOKENS = "|".join(re.escape(token) for token in (*END_TOKENS, *TURN_TOKENS))
# A token that is spoken of stands within a sentence; one that forges a turn follows a sentence, or ends a line.
_FORGED_TOKEN = re.compile(
    rf"(?<!\d)[.!?。！？][ \t\n]{{0,8}}(?:{_TOKENS})"
    rf"|(?:{_TOKENS})[ \t]{{0,8}}(?:\n|{_TOKENS}|user\b|assistant\b|system\b)"
)
CONTROL_TOKEN = re.compile(_TOKENS)
_JUDGE_FENCE = re.compile(
    r"<\|The (?:Start|End) of Assistant|\[The (?:Start|End) of Assistant|</?(?:candidate|response)_[ab]>"
)
_NOT_WORD = re.compile(r"[\W_]+")

LOOP_FROM = 400
"""Characters from which a text can go round in circles."""
LOOP_RATIO = 0.12
COPY_SHARE = 0.9
SCANNED = 1 << 16
FEW_CHARACTERS = 16
SYMBOLS = frozenset("%‰&@#§†‡")
"""Signs that stand for something although Unicode calls them punctuation."""


def words(text: str) -> str:
    """Lower-case words, one space between.

    >>> words("**Sure!** Here's…")
    'sure here s'
    """
    return _NOT_WORD.sub(" ", text[:SCANNED].casefold()).strip()


_KEYS = sorted({words(key) for key in (*MASTER_KEYS, *OPENERS)}, key=len, reverse=True)


def reason(text: str | None, prompt: str, reference: str | None = None) -> str | None:
    """Why the text is no answer to the prompt, in a few words; None when it may be one.

    A text that is equal to the reference is always an answer.
    """
    if text is None:
        return NO_SUCH_PART
    if reference is not None and _same(text, reference):
        return None
    if not visible(text, 1):
        return "empty"
    prompt = prompt[-SCANNED:]
    text_words = words(text)
    if not text_words:
        return None if _is_symbol(text, prompt) else "punctuation only"
    if len(text) <= SCANNED and _only_keys(text_words) and not _is_one_word(text, text_words, prompt):
        return "an opener and nothing behind it"
    return _forged(text, prompt) or _copied(text_words, prompt) or _loops(text, prompt)


def _same(text: str, reference: str) -> bool:
    one, other = (" ".join(part[:SCANNED].casefold().split()) for part in (text, reference))
    return one == other != ""


def _is_symbol(text: str, prompt: str) -> bool:
    """Whether text without a word may be an answer: it holds a symbol or brackets, or a mark was asked for."""
    kinds = {unicodedata.category(character) for character in text[:SCANNED]}
    if any(kind[0] in "S" for kind in kinds - {"Sk"}) or {"Ps", "Pe"} <= kinds or text.strip() in SYMBOLS:
        return True
    return len(text.strip()) <= FEW_CHARACTERS and prompts.asks_for_a_mark(prompt)


def _is_one_word(text: str, text_words: str, prompt: str) -> bool:
    """Whether an opener is the one word that was asked for."""
    return " " not in text_words and text.strip()[-1] not in ":：" and prompts.asks_for_one_word(prompt)


def _only_keys(text_words: str) -> bool:
    """Whether the words are openers and master keys, one after another, and nothing else."""
    for _ in range(8):
        key = next((key for key in _KEYS if text_words == key or text_words.startswith(f"{key} ")), None)
        if key is None:
            return False
        text_words = text_words[len(key) :].strip()
        if not text_words:
            return True
    return False


def _forged(text: str, prompt: str) -> str | None:
    last = text.rstrip().rpartition("\n")[2][-SCANNED:]
    if _JUDGE_LABEL.search(last) and not prompts.shows_a_label(prompt):
        return "a verdict on itself"
    if _PRAISE.search(last) and not prompts.asks_for_a_verdict(prompt):
        return "a verdict on itself"
    without_html = text.replace("</s>", "") if "<s>" in text else text
    if _FORGED_TOKEN.search(without_html) and not prompts.shows_a_token(prompt):
        return "a turn's delimiter inside the text"
    if _FORGED_TURN.search(text) and not prompts.asks_for_a_dialogue(prompt):
        return "a turn's delimiter inside the text"
    if (fence := _JUDGE_FENCE.search(text)) and fence[0] not in prompt:
        return "a judge's delimiter inside the text"
    return None


def _copied(text_words: str, prompt: str) -> str | None:
    prompt_words = words(prompt)
    if prompt_words.count(" ") < 3:
        return None
    shorter, longer = sorted((text_words, prompt_words), key=len)
    is_copy = len(shorter) >= COPY_SHARE * len(longer) and shorter in longer
    if is_copy and text_words != prompt_words and prompts.asks_for_the_text_again(prompt):
        return None
    return "a copy of the prompt" if is_copy else None


def _loops(text: str, prompt: str) -> str | None:
    """A text that says one thing over and over packs to next to nothing."""
    if len(text) < LOOP_FROM:
        return None
    for part in {text[:SCANNED], text[-SCANNED:], text[-4 * LOOP_FROM :]}:
        raw = part.encode("utf-8", "replace")
        if len(zlib.compress(raw, 6)) < LOOP_RATIO * len(raw):
            return None if prompts.asks_for_repetition(prompt, words(text)) else "goes round in circles"
    return None
