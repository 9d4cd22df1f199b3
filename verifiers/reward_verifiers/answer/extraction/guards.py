"""What beside a number makes it another one, a bound, or a doubt: in every language in which answers are looked for.

    at least 42    au moins 42    不超过42    42以上    entre 41 et 42    42 or more    42?    the square of 42

A number in a sentence that is not read whole is only taken where nothing of these stands beside it.
"""

from __future__ import annotations

import re

from reward_verifiers.answer.reading import units, words

_BEFORE = {
    "en": (
        "at least|at most|less than|more than|greater than|fewer than|larger than|smaller than|higher than|lower than|"
        "bigger than|no more than|no less than|up to|under|over|below|above|almost|nearly|not|never|cannot be|minus|"
        "negative|exceeds|beyond|about to|half of|twice|double|triple|than|maybe|perhaps|possibly|probably|unlike|"
        "instead of|rather than|except|except for|anything but|everything but|all but|any but|besides|apart from|"
        "different from|differs from|distinct from|excluding|hardly|scarcely|nothing like|nowhere near|far from|"
        "without|multiple of|one of|out of|out of the|close to|short of|away from|or equal to|"
        "square of|square root of|cube of|cube root of|root of|power of|log of|log|logarithm of|factorial of|"
        "inverse of|reciprocal of|opposite of|negative of|sqrt|"
        "might be|may be|might also be|may also be|could also be|alternatively|as many as|as few as|as much as|"
        "as little as|up from|down from|somewhere near|somewhere around|somewhere between|in excess of|upwards of|"
        "in the neighbourhood of|in the neighborhood of|north of|south of|just shy of|"
        "shy of|divided by|multiplied by|plus|added to|subtracted from"
    ),
    "fr": (
        "au moins|au plus|plus de|moins de|pas|n'est pas|jamais|jusqu'à|supérieur à|inférieur à|supérieure à|inférieure à|"
        "plus grand que|plus petit que|presque|plus que|moins que|sauf|sans|peut-être|minimum|maximum|carré de|racine de|"
        "double de|moitié de|triple de"
    ),
    "de": (
        "mindestens|höchstens|mehr als|weniger als|nicht|kein|keine|bis zu|größer als|kleiner als|fast|über|unter|"
        "maximal|minimal|niemals|außer|ohne|vielleicht|als|quadrat von|wurzel von|wurzel aus|hälfte von|doppelte von"
    ),
    "es": (
        "al menos|por lo menos|como mínimo|a lo sumo|como máximo|más de|menos de|no|no es|no son|hasta|mayor que|"
        "menor que|mayor de|menor de|casi|nunca|excepto|sin|quizás|tal vez|más que|menos que|cuadrado de|raíz de|"
        "raíz cuadrada de|mitad de|doble de"
    ),
    "it": (
        "almeno|al massimo|al più|più di|meno di|non|non è|non sono|fino a|maggiore di|minore di|quasi|mai|forse|"
        "eccetto|senza|quadrato di|radice di|metà di|doppio di"
    ),
    "pt": (
        "pelo menos|no máximo|no mínimo|mais de|menos de|não|não é|não são|até|maior que|menor que|maior do que|"
        "menor do que|quase|nunca|talvez|exceto|sem|quadrado de|raiz de|metade de|dobro de"
    ),
    "nl": "minstens|hoogstens|ten minste|meer dan|minder dan|niet|geen|tot|bijna|misschien|groter dan|kleiner dan",
    "pl": "co najmniej|co najwyżej|przynajmniej|więcej niż|mniej niż|nie|nie jest|ponad|poniżej|powyżej|prawie|niż",
    "tr": "en az|en fazla|en çok|değil",
    "vi": "ít nhất|nhiều nhất|hơn|không phải|không phải là|dưới|trên|gần|tối đa|tối thiểu",
    "ru": (
        "не менее|не более|не больше|не меньше|более|менее|больше|меньше|не|свыше|почти|минимум|максимум|"
        "больше чем|меньше чем|чем|ниже|выше|до|кроме|без|возможно|хотя бы|по крайней мере|квадрат|корень из|половина от"
    ),
    "ar": "على الأقل|على الأكثر|أكثر من|أقل من|ليس|ليست|تقريبا من|أكبر من|أصغر من",
    "hi": "कम से कम|अधिक से अधिक|नहीं",
}
_BETWEEN = {
    "between": "and", "entre": "et y e", "zwischen": "und", "tra": "e", "fra": "e", "между": "и", "tussen": "en",
    "między": "a", "giữa": "và",
}  # fmt: skip
BOUNDS_AFTER = (
    "or more|or less|or fewer|or greater|or above|or below|or higher|or lower|or over|or under|or so|at least|at most|"
    "at minimum|at maximum|halved|doubled|tripled|quadrupled|and a half|and a quarter|and a third"
)
_AFTER = {
    "en": (
        f"{BOUNDS_AFTER}|fewer|less|and up|and above|and over|and below|percent more|percent less|choose|"
        "plus|minus|is wrong|is incorrect|is not|isn't|is the wrong|is a wrong|was wrong|more than|less than|fewer than|"
        "below|below zero|per cent"
    ),
    "fr": "ou plus|ou moins|au moins|au plus|au maximum|au minimum|ou|n'est pas|de plus que|de moins",
    "de": "oder mehr|oder weniger|mindestens|höchstens|oder|ist nicht|weniger",
    "es": "o más|o menos|como mínimo|como máximo|por lo menos|al menos|o|u|no es",
    "it": "o più|o meno|al massimo|almeno|o|oppure|non è",
    "pt": "ou mais|ou menos|no máximo|no mínimo|pelo menos|ou|não é",
    "nl": "of meer|of minder",
    "pl": "lub więcej|lub mniej|lub",
    "tr": "veya|değil|ya da|den fazla|dan fazla|den az|dan az|ve üzeri",
    "vi": "hoặc|trở lên|trở xuống",
    "ru": "и более|или более|и менее|или менее|или|не является",
    "ar": "أو|على الأقل|على الأكثر",
    "hi": "से अधिक|से कम|या|नहीं",
}
_CJK_BEFORE = (
    "至少 最多 不超过 超过 不到 少于 多于 大于 小于 不少于 不多于 不是 并非 非 介于 至多 将近 或 或者 "
    "不小于 不大于 不足 高于 低于 大于等于 小于等于 不等于 最少 可能是 也许是 以外 除了 至少有 至少为 至少是 "
    "最多有 最多为 最多是 不是为 不低于 不高于 少なくとも 多くとも 最低 最大で 最低でも 最小で "
    "적어도 최소 최대 많아야"
).split()
_CJK_AFTER = (
    "以上 以下 未満 超 より 以内 以外 ではな では無 じゃな でな 或 或者 之间 之內 不是 不对 多 余 か か、 から "
    "이상 이하 미만 초과 이 아니 가 아니 보다 이나 또는"
).split()
_BEFORE_WORDS = frozenset("|".join(_BEFORE.values()).split("|")) | frozenset(words.BOUNDS)
_AFTER_WORDS = frozenset("|".join(_AFTER.values()).split("|"))
_MOST_WORDS = 4
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")
_CLAUSE = re.compile(r"[.!?;:,](?:\s|$)|[。！？；：，\n]")
_UNIT = re.compile(r"([A-Za-z]{1,14}|[\u3400-\u9fff]{1,2}?(?=以|未|超|内|之))\.?")
_OTHER_NUMBER = re.compile(r"of\s\$?[0-9]")
"""Of "5 of 6": a part, or two guesses in Dutch."""
_HOW_OFTEN = re.compile(
    r"times(?:$|[.!;,)]|\s(?:per|in|each|every|during|on|over|while|when|before|after|total|altogether"
    r"|a (?:day|week|month|year)))"
)
"""Times that are counted, and multiply nothing."""
_OVER_TIME = re.compile(
    r"over (?:the|this|that|a|his|her|their|its|all|both|these|those|each)\s(?:\w{1,12}\s){0,2}"
    r"(?:hour|day|night|weekend|week|month|summer|winter|year|course|period|trip)s?\b",
    re.I,
)
"""Over the week; not over 5."""
_DOUBT = re.compile(r"[\s$*)\]}]{0,4}[?？]")
_MARKS = re.compile(r"[\s$*_({\[\\]+$")
_NUMBER_BEFORE = re.compile(r"[-+−]?[\d.,/]{1,30}\$?\s{0,2}$")


_RETRACTS = re.compile(
    r"^[\s$.*)?!,;]{0,6}"
    r"(?:but |oh,? |no,? |hmm,? |oops,? |sorry,? |actually,? |wait,? |hold on,? |等等[，,]?|不对[，,]?){1,3}"
    r"[^\n]{0,80}?(?:wrong|incorrect|mistake|error|should (?:be|have been)|not right|不对|错|应该是|应为)"
    r"|^[\s$.*)?!,;]{0,6}(?:that|this|it)(?:['’]s| is| was) (?:wrong|incorrect|a mistake|not (?:right|correct))\b",
    re.I,
)
"""Right behind a box: "Wait, that is wrong. It should be 14." """


_IT = (
    r"(?:that|this|it|the above|everything above|all of (?:this|that)"
    r"|(?:my|the|this|that)\s(?:(?:final|last|above|previous)\s)?"
    r"(?:answer|result|solution|value|number|calculation|computation|reasoning|conclusion))"
)
_THE_ANSWER = r"(?:(?:the|my)\s)?(?:(?:right|correct|final|true)\s)?(?:answer|result|solution|value)"
_RIGHT = rf"(?:right|correct|true|it|{_THE_ANSWER})"
_CANCEL = (
    r"(?:never ?mind|(?:scratch|strike) that|(?:ignore|disregard|forget) (?:that|this|it|the above)"
    r"|i take (?:that|this|it) back)"
)
_CALL = rf"(?:wait|no|nope|hold on|hmm+|oh|oops|sorry|actually|but|however|so|then|on second thoughts?|{_CANCEL})"
_TAKES_BACK = re.compile(
    rf"(?:{_CALL}[\s,;:.!…–—-]{{1,6}}){{0,4}}"
    rf"(?:(?:wait,?\s)?(?:no|nope)|{_CANCEL}|wrong|incorrect|not (?:right|correct)"
    rf"|(?:{_IT}(?:['’]s|\s(?:is|was|are|were|seems|looks|must be|has to be))|i(?:['’]m|\s(?:was|am)))"
    r"\s(?:(?:definitely|clearly|obviously|all|just|completely|totally|probably|likely)\s)?"
    r"(?:wrong|incorrect|mistaken|in error|a mistake|an error|(?:the|a) wrong (?:answer|result|value|number|one)"
    rf"|not {_RIGHT})"
    rf"|{_IT}\s(?:isn['’]t|wasn['’]t|can(?:['’]t|not) be|couldn['’]t be|does(?:n['’]t| not) (?:look|seem|feel|sound))"
    rf"\s{_RIGHT}"
    r"|i(?:['’]ve|\s(?:have|must have))?\s(?:made|did make) (?:a|an|some) (?:\w{1,12}\s)?(?:mistakes?|errors?)"
    rf"|i (?:do not|don['’]t|no longer) (?:think|believe) (?:that\s)?{_IT}(?:['’]s|\s(?:is|was)) {_RIGHT})"
    r"(?:\s(?:at all|after all|though|then|either|here|somewhere))?"
    r"|(?:等等[，,]?|但是?|不[，,]|抱歉[，,]?){0,3}(?:这|这个答案|上面的?答案|我的答案|答案)?是?(?:错的|错了|错误的|不对的?|不正确的?)",
    re.I,
)
"""A whole sentence that takes an answer back. "That is impossible" is none: one says it of a root that is left out."""
_PASSING = re.compile(
    r"(?:(?:i['’]m )?(?:so |very )?sorry|my (?:bad|apologies|mistake)|i apologi[sz]e|hmm+|oops"
    r"|let me (?:redo|recheck|recompute|check|fix|try)\b[^0-9]{0,40})",
    re.I,
)
"""A sentence that may follow it."""
_SENTENCES = re.compile(r"[.!?…]+(?:\s|$)|[。！？\n]|</\w{1,20}>")
_MOST_PASSING = 3


def taken_back(text: str) -> bool:
    """Whether the last sentence of a text says that the answer before it is wrong, and gives none in its place."""
    sentences = [part.strip(' \t*_"“”()>') for part in _SENTENCES.split(text[-400:])]
    sentences = [sentence for sentence in sentences if sentence]
    for _ in range(_MOST_PASSING):
        if not sentences or not _PASSING.fullmatch(sentences[-1]):
            break
        sentences.pop()
    return len(sentences) > 1 and len(sentences[-1]) < 120 and bool(_TAKES_BACK.fullmatch(sentences[-1]))


_NOTHING_WRONG = re.compile(
    r"(?:\b(?:not|no|without|nothing|never)|n['’]t)\s(?:(?!that|this|it|is|was)\w{1,12}\s){0,2}"
    r"(?:wrong|incorrect|mistaken|mistakes?|errors?)\b",
    re.I,
)


def retracted(text: str) -> bool:
    """Whether what follows an answer takes it back."""
    return bool(_RETRACTS.match(_NOTHING_WRONG.sub(" ", text)))


_CORRECTION = re.compile(
    r"[\s$.*)?!,;。，！–—-]{0,12}"
    r"(?:(?:(?:(?:oh|no|nope|hmm|oops|sorry|actually|wait|hold on|correction|scratch that|on second thoughts?|or rather|but|"
    r"i mean|i meant|make (?:that|it)|my mistake)\b|等等|不对|不，|错了|更正|应该是|应为|抱歉)[\s,;:.!…，：。–—-]{0,6}){1,4}"
    r"(?:(?:it|that|this|the (?:(?:correct|right|final|actual|true) )?(?:answer|result|value|one))"
    r"(?:['’]s| is| was| should be| must be)[\s:]{1,2}|should be\s|应该是|应为|是)?"
    r"|(?:it|that|this|the (?:answer|result|value)) should (?:have been|rather be|instead be)\s"
    r"|the (?:correct|right|actual|true) (?:answer|result|value) (?:is|was|should be|would be)[\s:]{1,2}"
    r"|let me (?:redo|correct|fix) (?:this|that|it)[\s:.,]{1,2})"
    r"(?:(?:actually|exactly|just|option)\s)?[$*(]{0,4}"
    r"(?:(?P<number>[-−]?(?:[0-9]|[.][0-9])[0-9.,/]{0,30}?%?)[$*)]{0,4}(?:\s[a-z]{1,15})?|(?P<letter>(?-i:[A-HJ]))[$*)]{0,4})"
    r"(?:\sis (?:right|correct|the answer))?\s?(?:[.!。！*](?=\s|$)|$|\n)",
    re.I,
)
"""No wait, 6. Correction: it is (A). A sentence of nothing but another answer."""
_MOST_CORRECTIONS = 8
_VALUES = re.compile(r"[-−]?(?:[0-9]|[.][0-9])[0-9.,/]{0,30}(?<![.,])%?|[A-J]")


def correction(text: str) -> str | None:
    """The value that what follows an answer gives in its place; the last one of several."""
    value, at = None, 0
    for _ in range(_MOST_CORRECTIONS):
        match = _CORRECTION.match(text, at)
        if match is None:
            break
        value, at = match["number"] or match["letter"], match.end()
    return value


def corrected(answer: str, text: str) -> bool:
    """Whether what follows an answer gives another value in its place."""
    value = correction(text)
    return value is not None and value not in _VALUES.findall(answer)


def changed_before(text: str) -> str | None:
    """What right before a number or formula makes it another one; `text` is all that stands before it."""
    clause = _MARKS.sub("", _CLAUSE.split(text[-80:])[-1])
    if _is_cjk(clause[-1:]):
        return next((word for word in _CJK_BEFORE if clause.endswith(word)), None)
    low: list[str] = [word.lower().replace("’", "'") for word in _WORD.findall(clause)][-_MOST_WORDS - 3 :]
    if not low or not clause.endswith(_WORD.findall(clause)[-1]):
        return None
    if low[-2:] == ["up", "to"] and _SUMS.intersection(low[-3:-2]):
        return None
    tails = (" ".join(low[-size:]) for size in range(1, _MOST_WORDS + 1))
    return next((tail for tail in tails if tail in _BEFORE_WORDS), None) or _bounded(low, clause)


_SUMS = frozenset("add adds added adding sums amounts comes rounds rounded".split())
"""They add up to 42."""


def _bounded(low: list[str], clause: str) -> str | None:
    """The "between 41 and" of "between 41 and 42"."""
    before = _NUMBER_BEFORE.search(clause[: -len(low[-1])])
    opening = next((word for word in low[-3:-1] if low[-1] in _BETWEEN.get(word, "").split()), None)
    return f"{opening} … {low[-1]}" if before and opening else None


def changed_after(text: str) -> str | None:
    """What right behind a number or formula makes it another one, or doubts it."""
    if _DOUBT.match(text):
        return "?"
    rest = text[:60].lstrip(" \t$*)}]%°")
    return _changed_by(rest) or _changed_by(_without_unit(rest))


def _without_unit(text: str) -> str:
    """What stands behind the unit, or the thing, of "18 cm more" and 18cm以上."""
    unit = _UNIT.match(text)
    word = unit.group(1) if unit else ""
    if word and (units.spelled(word) or words.stem(word) or word in words.CJK_HARMLESS):
        return text[unit.end() :].lstrip(" $*)}")  # type: ignore[union-attr]
    return ""


def _changed_by(rest: str) -> str | None:
    if _is_cjk(rest[:1]):
        return next((word for word in _CJK_AFTER if rest.startswith(word)), None)
    clause = _CLAUSE.split(rest)[0]
    low: list[str] = [word.lower().replace("’", "'").rstrip(".") for word in _WORD.findall(clause)][:_MOST_WORDS]
    if not low or not clause.lower().startswith(low[0]):
        return None
    if _OTHER_NUMBER.match(rest):
        return low[0]
    if low[0] in words.NUMBER_CHANGING:
        return None if _HOW_OFTEN.match(rest) or _OVER_TIME.match(rest) else low[0]
    heads = (" ".join(low[:size]) for size in range(1, _MOST_WORDS))
    return next((head for head in heads if head in _AFTER_WORDS), None)


def _is_cjk(sign: str) -> bool:
    return "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af"
