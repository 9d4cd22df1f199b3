"""The guard before any model: text that is no answer never reaches one.

Reward models are fooled by next to nothing: a lone colon, "Thought process:", an opener that is all there is, a verdict
written into the answer, the prompt said again, one sentence in a loop. Every rule here is one linear pass, and each says
what it found. The master keys are those of "One Token to Fool LLM-as-a-Judge" (arXiv 2507.08794), and openers of the kind.
"""

from __future__ import annotations

import re
import zlib

from reward_verifiers.completion import END_TOKENS, TURN_TOKENS, visible

MASTER_KEYS = (
    "Thought process:",
    "Let's solve this problem step by step.",
    "Let's think step by step.",
    "Let me think step by step.",
    "Solution",
    "Solution:",
    "The solution is as follows:",
    "Final answer:",
    "The final answer is",
    "Answer:",
    "The answer is",
    "Explanation:",
    "Reasoning:",
    "Analysis:",
    "Step 1:",
    "Conclusion:",
    "解",
    "解：",
    "解析",
    "答案",
    "答案是",
    "思考过程",
    "让我们一步一步思考",
    "かいせつ",
    "解説",
    "解答",
    "Respuesta",
    "Solución",
    "Lösung",
    "Antwort",
    "Réponse",
    "Risposta",
    "Ответ",
    "Решение",
)
OPENERS = (
    "Sure",
    "Sure thing",
    "Certainly",
    "Absolutely",
    "Definitely",
    "Of course",
    "Great question",
    "Good question",
    "Thanks for asking",
    "Thank you for your question",
    "I'd be happy to help",
    "I'd be happy to help you with that",
    "I would be happy to help",
    "I'm happy to help",
    "Happy to help",
    "I can help with that",
    "Let me help you with that",
    "Let me explain",
    "Let me think",
    "Let me think about this",
    "Here is the answer",
    "Here is my answer",
    "Here you go",
    "Here is a detailed explanation",
    "Here is a step-by-step explanation",
    "Here's the answer",
    "Here's a detailed explanation",
    "Here's a step-by-step explanation",
    "As an AI language model",
    "I hope this helps",
    "Let me know if you have any other questions",
)

_VERDICT = re.compile(
    r"\[\[[ ]?(?:[AB][ ]?[<>=]{1,2}[ ]?[AB]|[ABC])[ ]?\]\]"
    r"|(?:rating|score|verdict|grade|judg[e]?ment)[\"']?[ ]{0,2}[:=]?[ ]{0,2}\[\[[ ]?\d{1,3}[ ]?\]\]"
    r"|[\"']correctness[\"'][ ]{0,4}:[ ]{0,4}[\"'](?:in)?correct"
    r"|\[RESULT\][ ]{0,4}\d"
    r"|^[*#> ]{0,6}(?:final |my |overall )?(?:verdict|rating|grade|judg[e]?ment)[* ]{0,4}[:=][* ]{0,4}"
    r"(?:correct|excellent|perfect|best|safe|yes|pass|\d{1,3}(?:\.\d)?(?:[ ]?/[ ]?\d{1,3})?)[.!* ]{0,6}$"
    r"|(?:answer|response|assistant|output) (?:a |b |above |below )?(?:is (?:clearly |by far )?the best|"
    r"(?:deserves|should (?:get|receive|be given)|must (?:get|receive)) (?:the |a )?(?:highest|maximum|full|perfect|top))"
    r"|ignore (?:all |any )?(?:the )?(?:previous|prior|above) (?:instructions|criteria)",
    re.IGNORECASE | re.MULTILINE,
)
_FORGED_TURN = re.compile(r"\n\n(?:Human|Assistant|User|System): ?")
_FORGED_TOKENS = re.compile("|".join(re.escape(mark) for mark in (*END_TOKENS, *TURN_TOKENS) if mark != "</s>"))
_JUDGE_FENCE = re.compile(
    r"<\|The (?:Start|End) of Assistant|\[The (?:Start|End) of Assistant|</?(?:candidate|response)_[ab]>"
)
_NOT_WORD = re.compile(r"[\W_]+")

LOOP_FROM = 400
"""Characters from which a text can be told to go round in circles."""
LOOP_RATIO = 0.12
COPY_SHARE = 0.9
SCANNED = 1 << 16


def words(text: str) -> str:
    """Lower-case words, one space between.

    >>> words("**Sure!** Here's…")
    'sure here s'
    """
    return _NOT_WORD.sub(" ", text[:SCANNED].casefold()).strip()


_KEYS = sorted({words(key) for key in (*MASTER_KEYS, *OPENERS)}, key=len, reverse=True)


def reason(text: str | None, prompt: str) -> str | None:
    """What is wrong with the text as an answer to the prompt, in a few words; None when nothing is."""
    if text is None:
        return "there is no such part in the output"
    if not visible(text, 1):
        return "empty"
    text_words = words(text)
    if not text_words:
        return "punctuation only"
    if len(text) <= SCANNED and _only_keys(text_words):
        return "an opener and nothing behind it"
    return _forged(text) or _copied(text_words, prompt) or _loops(text)


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


def _forged(text: str) -> str | None:
    if _VERDICT.search(text):
        return "a verdict on itself"
    if _FORGED_TOKENS.search(text) or _FORGED_TURN.search(text) or ("</s>" in text and "<s>" not in text):
        return "a turn's delimiter inside the text"
    if _JUDGE_FENCE.search(text):
        return "a judge's delimiter inside the text"
    return None


def _copied(text_words: str, prompt: str) -> str | None:
    prompt_words = words(prompt)
    if prompt_words.count(" ") < 3:
        return None
    shorter, longer = sorted((text_words, prompt_words), key=len)
    is_copy = len(shorter) >= COPY_SHARE * len(longer) and (shorter in longer)
    return "a copy of the prompt" if is_copy else None


def _loops(text: str) -> str | None:
    """A text that says one thing over and over packs to next to nothing."""
    if len(text) < LOOP_FROM:
        return None
    for part in {text[:SCANNED], text[-SCANNED:], text[-4 * LOOP_FROM :]}:
        raw = part.encode("utf-8", "replace")
        if len(zlib.compress(raw, 6)) < LOOP_RATIO * len(raw):
            return "goes round in circles"
    return None
