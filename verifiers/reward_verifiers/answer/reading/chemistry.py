"""Chemical formulas: H_2SO_4, \\text{H}_2\\text{SO}_4, \\ce{H2SO4} and H2SO4 are one text."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_LONGEST = 300
_ELEMENTS = (
    "He Li Be Ne Na Mg Al Si Cl Ar Ca Sc Ti Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn "
    "Sb Te Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa "
    "Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og H B C N O F P S K V Y I W U"
).split()
"""Of two letters before those of one."""
_DRESSING = re.compile(r"\\(?:text|mathrm|mathsf|ce)(?=\{)|\\[,;! ]|~|\s")
_COUNT = re.compile(r"_(?:\{([0-9]{1,3})\}|([0-9]))")
_WATER = re.compile(r"\\(?:cdot|bullet)(?![A-Za-z])|[·•]")
_FORMULA = re.compile(
    rf"[0-9]{{0,3}}(?:(?:{'|'.join(_ELEMENTS)}|[)\]])[0-9]{{0,3}}|[(\[](?![0-9])|\*[0-9]{{0,2}})+(?:\^(?:[0-9]?[+-]|[+-][0-9]))?"
)
_CAPITAL = re.compile(r"[A-Z]")
"""Nearly all references have none."""
_SIGN_FIRST = re.compile(r"\^([+-])([0-9])")
_PART = re.compile(r"([A-Z][a-z]?|[()\[\]])([0-9]{0,3})")
_SAYS_MORE = re.compile(r"[0-9+-]")


@lru_cache(1024)
def formula(text: str) -> str | None:
    """The formula in its plainest spelling. None where the text is none, or says no number and no charge.

    >>> formula(r"\\text{Fe}_2(\\text{SO}_4)_3")
    'Fe2(SO4)3'
    """
    if len(text) > _LONGEST or not _CAPITAL.search(text):
        return None
    plain = _COUNT.sub(lambda match: match[1] or match[2], _DRESSING.sub("", text))
    plain = _WATER.sub("*", plain).replace("{", "").replace("}", "")
    plain = _SIGN_FIRST.sub(r"^\2\1", plain)
    return plain if _SAYS_MORE.search(plain) and _FORMULA.fullmatch(plain) else None


def differ(one: str, other: str) -> bool:
    """Whether two formulas have other atoms or another charge. Else they may be one, written in two ways, or isomers."""
    (body, _, charge), (other_body, _, other_charge) = one.partition("^"), other.partition("^")
    return charge != other_charge or _atoms(body) != _atoms(other_body)


def _atoms(body: str) -> Counter[str]:
    """How many of each element. A bracket that closes nothing, or is never closed, counts as an element."""
    total: Counter[str] = Counter()
    for part in body.split("*"):
        digits = len(part) - len(part.lstrip("0123456789"))
        levels: list[Counter[str]] = [Counter()]
        for name, count in _PART.findall(part[digits:]):
            times = int(count or 1)
            if name in "([":
                levels.append(Counter())
            elif name in ")]" and len(levels) > 1:
                inner = levels.pop()
                levels[-1].update({element: times * number for element, number in inner.items()})
            else:
                levels[-1][name] += times
        if len(levels) > 1:
            levels[0]["("] += 1
        total.update({element: int(part[:digits] or 1) * number for element, number in levels[0].items()})
    return total
