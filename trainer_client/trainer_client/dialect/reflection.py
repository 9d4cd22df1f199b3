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
_ASCII_FORMS = frozenset(form.encode() for forms in SPACED.values() for form in forms if form.isascii())
_ASCII_WORDS = bytes(code if re.match(r"[\w\x80-\xff]", chr(code)) else ord(" ") for code in range(256))
"""A table for `bytes.translate`: ASCII characters that no word has become blanks."""


def count_reflections(text: str) -> dict[str, int]:
    """How often each of the ten words, or an equivalent, stands in the text."""
    raw = text.encode("utf-8", "surrogatepass").lower()
    tokens = raw.translate(_ASCII_WORDS).split()
    # A chain repeats its words: each is looked at once.
    others = {token: token.decode("utf-8", "surrogatepass").lower() for token in set(tokens) if not token.isascii()}
    words: Counter[str] = Counter()
    for token, count in Counter(filter((_ASCII_FORMS | others.keys()).__contains__, tokens)).items():
        for word in _WORD.findall(others[token]) if token in others else [token.decode()]:
            words[word] += count
    rest = "\n".join(others.values())
    return {
        name: sum(words[form] for form in SPACED[name])
        + sum(
            raw.count(form.encode()) if form.isascii() else text.count(form) if form in rest else 0
            for form in RUNNING[name]
        )
        for name in SPACED
    }
