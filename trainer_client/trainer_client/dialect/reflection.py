"""R1's reflective words (supplement C.2): the ten English ones and their equivalents in other languages."""

from __future__ import annotations

import re
from collections import Counter

# Whole words of scripts that space them.
SPACED: dict[str, tuple[str, ...]] = {
    "wait": ("wait", "warte", "attends", "espera", "подожди"),
    "mistake": ("mistake", "mistakes", "fehler", "erreur", "ошибка"),
    "however": ("however", "jedoch", "cependant", "однако"),
    "but": ("but", "aber", "mais", "pero", "но"),
    "retry": ("retry", "nochmal", "réessayer", "reintentar"),
    "error": ("error", "errors", "irrtum"),
    "verify": ("verify", "verifying", "verified", "überprüfen", "vérifier", "verificar", "проверить"),
    "wrong": ("wrong", "falsch", "faux", "incorrecto", "неверно"),
    "evaluate": ("evaluate", "evaluating", "bewerten", "évaluer", "evaluar", "оценить"),
    "check": ("check", "checking", "checked", "prüfen", "vérifions", "comprobar", "проверим"),
}
# Phrases, and words of scripts that run together: wherever they stand. None of one line holds another.
RUNNING: dict[str, tuple[str, ...]] = {
    "wait": ("等等", "等一下", "待って", "잠깐"),
    "mistake": ("失误", "弄错", "間違い", "실수"),
    "however": ("sin embargo", "然而", "不过", "しかし", "그러나"),
    "but": ("但", "でも", "하지만"),
    "retry": ("try again", "重试", "重新尝试", "やり直"),
    "error": ("错误", "エラー"),
    "verify": ("验证", "検証"),
    "wrong": ("不对", "错了", "違う", "틀렸"),
    "evaluate": ("评估", "評価"),
    "check": ("检查", "確認", "확인"),
}
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")


def count_reflections(text: str) -> dict[str, int]:
    """How often each of the ten words, or an equivalent, stands in the text."""
    text = text.lower()
    words = Counter(_WORD.findall(text))
    return {
        name: sum(words[form] for form in SPACED[name]) + sum(text.count(form) for form in RUNNING[name])
        for name in SPACED
    }
