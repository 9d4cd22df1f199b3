"""How sound graders read a completion; the broken ones leave a step out."""

import re
from fractions import Fraction

_BRACE = re.compile(r"\\boxed\{|[{}]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")


def after_thinking(text):
    """Nothing where the thinking does not end."""
    if "<think>" in text and "</think>" not in text:
        return ""
    return text.rpartition("</think>")[2]


def boxes(text):
    """What each box holds, in the order in which they open; in one pass, since some texts open thousands."""
    open_braces, found = [], []
    for match in _BRACE.finditer(text):
        if match[0] != "}":
            open_braces.append((match[0] != "{", match.end()))
        elif open_braces:
            is_box, start = open_braces.pop()
            if is_box:
                found.append((start, text[start : match.start()]))
    return [content for _, content in sorted(found)]


def box(text):
    return (boxes(text) or [""])[-1].strip()


def tag(text):
    _, mark, after = text.rpartition("<answer>")
    inner, end, _ = after.partition("</answer>")
    return inner.strip() if mark and end else ""


def slot(text):
    """The last answer: the tag's, or the box's where there is no tag."""
    rest = after_thinking(text)
    inner = tag(rest)
    return box(inner) or inner or box(rest)


def numbers(text):
    return _NUMBER.findall(text)


def value(text):
    bare = re.sub(r"\\d?frac\{(-?\d+)\}\{(\d+)\}", r"\1/\2", text.strip().replace("$", ""))
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+", bare):
        bare = bare.replace(",", "")
    try:
        return Fraction(bare) if _NUMBER.fullmatch(bare) else None
    except (ZeroDivisionError, ValueError):  # more digits than Python reads
        return None


def normal(text):
    bare = re.sub(r"\s+", "", text.casefold()).replace("\\dfrac", "\\frac").strip("$")
    return bare.removesuffix(".")


def equal(answer, right):
    left, other = value(answer), value(str(right))
    if left is not None and other is not None:
        return left == other
    return bool(answer.strip()) and normal(answer) == normal(str(right))


def rights(reference):
    answers = reference["answer"]
    several = answers if isinstance(answers, list) else [answers]
    return [str(one) for one in [*several, *(reference.get("aliases") or [])]]
