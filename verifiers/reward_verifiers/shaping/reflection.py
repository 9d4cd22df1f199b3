"""R1's reflective words, counted for the log: the "aha moment" as a curve. Give it weight 0.

The ten English words are the paper's (supplement C.2); the others are their equivalents.
"""

from __future__ import annotations

import re
from collections import Counter

from reward_verifiers.base import Options, ReferenceModel, Sample, Verifier
from reward_verifiers.contract import Verdict

WORDS: dict[str, tuple[str, ...]] = {
    "wait": ("wait", "等等", "等一下", "待って", "warte", "attends", "espera", "подожди", "잠깐"),
    "mistake": ("mistake", "mistakes", "失误", "弄错", "間違い", "fehler", "erreur", "ошибка", "실수"),
    "however": ("however", "然而", "不过", "しかし", "jedoch", "cependant", "sin embargo", "однако", "그러나"),
    "but": ("but", "但是", "但", "でも", "aber", "mais", "pero", "но", "하지만"),
    "retry": ("retry", "try again", "重试", "重新尝试", "やり直", "nochmal", "réessayer", "reintentar"),
    "error": ("error", "errors", "错误", "エラー", "irrtum", "error de"),
    "verify": ("verify", "verifying", "verified", "验证", "検証", "überprüfen", "vérifier", "verificar", "проверить"),
    "wrong": ("wrong", "不对", "错了", "違う", "falsch", "faux", "incorrecto", "неверно", "틀렸"),
    "evaluate": ("evaluate", "evaluating", "评估", "評価", "bewerten", "évaluer", "evaluar", "оценить"),
    "check": ("check", "checking", "checked", "检查", "確認", "prüfen", "vérifions", "comprobar", "проверим", "확인"),
}
_NAMES = {form: name for name, forms in WORDS.items() for form in forms}
_SPACED = [form for form in _NAMES if not re.search("[\u3040-\u9fff\uac00-\ud7a3]", form)]
_RUNS = [form for form in _NAMES if form not in _SPACED]


def _either(forms: list[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


# Spaced words whole; the others wherever they stand.
_PATTERN = re.compile(rf"\b(?:{_either(_SPACED)})\b|{_either(_RUNS)}", re.IGNORECASE)


class ReflectionVerifier(Verifier[Options, ReferenceModel]):
    """Counts reflective words. For the log: weight 0."""

    name = "reflection"
    version = "1.0.0"
    score_range = (0.0, 1e9)

    def verify(self, sample: Sample[Options, ReferenceModel]) -> Verdict:
        counts = Counter(_NAMES[match[0].lower()] for match in _PATTERN.finditer(sample.completion))
        told = ", ".join(f"{word} {count}" for word, count in counts.most_common()) or "none of the ten words"
        return Verdict.scored(counts.total(), told, counts=dict(counts))
