"""From what people and models type to one spelling of LaTeX: Unicode maths, wrappers, spacing, fraction commands.

    "**½ of 1，000**"  ──▶  "\\frac{1}{2} of 1,000"

A few passes of bounded substitutions; meaning is left to the parser.
"""

from __future__ import annotations

import re
import unicodedata

from reward_verifiers.answer.reading import units, words

_SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni", strict=True))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₓₙₖₘ", "0123456789+-()aexnkm", strict=True))
_SUPERS = re.compile(f"[{''.join(_SUPER)}]+")
_SUBS = re.compile(f"[{''.join(_SUB)}]+")
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho _ sigma tau "
    "upsilon phi chi psi omega"
).split()
_SYMBOLS = {
    "×": "\\times ", "⋅": "\\cdot ", "·": "\\cdot ", "∙": "\\cdot ", "•": "\\cdot ", "÷": "/", "∕": "/", "⁄": "/",
    "−": "-", "–": "-", "—": "-", "﹣": "-", "‐": "-", "‑": "-",
    "√": "\\sqrt ", "∛": "\\sqrt[3]", "∞": "\\infty ", "°": "^\\circ ", "º": "^\\circ ",
    "≤": "\\le ", "⩽": "\\le ", "≦": "\\le ", "≥": "\\ge ", "⩾": "\\ge ", "≧": "\\ge ", "≠": "\\ne ",
    "≈": "\\approx ", "≡": "\\equiv ", "±": "\\pm ", "∓": "\\mp ",
    "∈": "\\in ", "∉": "\\notin ", "∪": "\\cup ", "∩": "\\cap ", "∅": "\\emptyset ", "∖": "\\setminus ",
    "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}", "ℂ": "\\mathbb{C}",
    "∫": "\\int ", "∑": "\\sum ", "∏": "\\prod ", "′": "'", "″": "''", "’": "'", "‘": "'", "“": '"', "”": '"',
    "、": ",", "。": ".", "【": "[", "】": "]", "「": "", "」": "", "⟨": "\\langle ", "⟩": "\\rangle ",
    "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "…": "\\ldots ",
    "½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "⅔": "\\frac{2}{3}", "¼": "\\frac{1}{4}", "¾": "\\frac{3}{4}",
    "⅕": "\\frac{1}{5}", "⅖": "\\frac{2}{5}", "⅗": "\\frac{3}{5}", "⅘": "\\frac{4}{5}", "⅙": "\\frac{1}{6}",
    "⅚": "\\frac{5}{6}", "⅛": "\\frac{1}{8}", "⅜": "\\frac{3}{8}", "⅝": "\\frac{5}{8}", "⅞": "\\frac{7}{8}",
    "⅑": "\\frac{1}{9}", "⅒": "\\frac{1}{10}", "⅐": "\\frac{1}{7}",
    "￥": "¥", "✓": "\\checkmark ", "✔": "\\checkmark ", "✅": "\\checkmark ", "∧": "\\land ", "∨": "\\lor ", "¬": "\\lnot ",
    "→": "\\to ", "↦": "\\mapsto ", "∠": "\\angle ", "△": "\\triangle ", "∣": "\\mid ",
    **{chr(0x2460 + k): f"\\textcircled{{{k + 1}}}" for k in range(20)},
    "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u2061": "", "\u2062": "",
    **{chr(0x3B1 + k): f"\\{name} " for k, name in enumerate(_GREEK) if name != "_"}, "ς": "\\sigma ",
    "ϕ": "\\phi ", "ε": "\\epsilon ", "Γ": "\\Gamma ", "Δ": "\\Delta ", "Θ": "\\Theta ", "Λ": "\\Lambda ",
    "Π": "\\Pi ", "Σ": "\\Sigma ", "Φ": "\\Phi ", "Ψ": "\\Psi ", "Ω": "\\Omega ",
}  # fmt: skip
_TABLE = str.maketrans(_SYMBOLS)

_SPACING = re.compile(
    r"\\(?:Huge|huge|LARGE|Large|large|normalsize|small|footnotesize|scriptsize|tiny|bfseries|centering|left|right|bigg?[lrm]?|Bigg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|middle|mathstrut)"
    r"(?![A-Za-z])\.?"
    r"|\\!|\\checkmark\s*$|\\phantom\{[^{}]{0,100}\}|\\label\{[^{}]{0,100}\}|\\color\{[^{}]{0,30}\}|\\tag\{[^{}]{0,30}\}|&(?=\s{0,5}=)"
)
_SPACE = re.compile(r"(\\\\)|\\(?:[,;:> ]|q?quad|hspace\{[^{}]{0,30}\})|~|&nbsp;|\s")
_THOUSANDS = re.compile(r"(?<=\d)(?:\s?\{,\s?\}|,?\\!|\\,) ?(?=\d{3}(?!\d))")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?: \d{3}){1,100}(?![\d/])")
_COMMANDS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "nicefrac": "frac", "sfrac": "frac", "dbinom": "binom",
    "tbinom": "binom", "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "lvert": "vert",
    "rvert": "vert", "mid": "mid", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "lt": "<", "gt": ">",
    "varnothing": "emptyset", "empty": "emptyset", "degree": "circ", "textdegree": "circ", "ast": "*",
    "star": "*", "div": "/", "dots": "ldots", "cdots": "ldots", "varepsilon": "epsilon", "vartheta": "theta",
    "varphi": "phi", "lgroup": "(", "rgroup": ")", "bigcup": "cup", "infin": "infty", "Reals": "mathbb{R}",
    "backslash": "setminus", "tg": "tan", "ctg": "cot", "cosec": "csc", "arctg": "arctan", "thinspace": ",",
    "vee": "lor", "wedge": "land", "neg": "lnot", "lparen": "(", "rparen": ")",
}  # fmt: skip
_COMMAND = re.compile(r"\\(" + "|".join(sorted(_COMMANDS, key=len, reverse=True)) + r")(?![A-Za-z])")
TEXT_COMMAND = re.compile(
    r"\\(?:text|textbf|textrm|textit|textnormal|mathrm|mathbf|mbox|operatorname)\s?\{([^{}]{0,1000})\}"
)
_DOUBLED = re.compile(
    r"\\\\(?=(?:[dtc]?frac|sqrt|pi|left|right|text|mathrm|boxed|infty|le|ge|leq|geq|neq?|cdot|times|cup|circ|theta|pm)"
    r"(?![a-z]))"
)
_PLAIN = {"{", "}", ","}
_BARE = {"[", "]", "<", ">", "*", "/", "(", ")"}
_SPACES = ("\\,", "\\;", "\\:", "\\!", "\\ ")
_LEADING, _TRAILING = " \t\n:;=", " \t\n:;"
_PAIRED = re.compile(r"(\*{1,3}|_{1,3}|`{1,3}|\"|')(.+)\1", re.S)
_EMPHASIS = "b|strong|i|em|u|mark|code|span|big|center|font|p|div"
_EMPHASISED = re.compile(rf"<({_EMPHASIS})(?:\s[^<>]{{0,60}})?>([^<]{{0,2000}})</\1>", re.I)
_HALF_EMPHASISED = re.compile(rf"</(?:{_EMPHASIS})>|^\s*<(?:{_EMPHASIS})>", re.I)
"""Where the sentence ends between the tags."""
_INLINE = re.compile(r"(?<!\\)\$\$?(?=[^\s$])((?:[^$\\]|\\.)*?)(?<=[^\s])(?<!\\)\$\$?(?![0-9])", re.S)
_SPACED_INLINE = re.compile(r"(?<!\\)\$\$?\s([^$]{1,2000})\s\$\$?(?![0-9])")
"""A formula with spaces inside its dollars: a command in it shows that these are no money."""
_COLOURED = re.compile(
    r"\\(?:textcolor|colorbox)\{[^{}]{0,30}\}(?=\{)|\\num(?=\{)|\\color\{[^{}]{0,30}\}|\\color\[[^\]]{0,9}\]\{[^{}]{0,30}\}"
)
_MONEY_FIRST = re.compile(r"^(USD|EUR|GBP|RMB|CNY|INR|JPY)\s?([0-9][0-9.,]{0,30})$")
_QUANTITY = re.compile(r"\\(?:SI|qty)\{([^{}]{1,60})\}\{([^{}]{1,60})\}")
_MICRO = re.compile(r"(?:[µμ]|\\mu\s?(?:\\(?:text|mathrm)\{(?=[mgsFACLVW]\}))?)(?=[mgsFACLVW](?![a-zA-Z]))")
_OHM = re.compile(r"(?<=[0-9 ~{,])([kKMmGµμ]?)(?:Ω|Ω)")
_OHM_TEX = re.compile(
    r"\\(?:text|mathrm)\{\s?([kM]?)\\Omega\s?\}|\\(?:text|mathrm)\{\s?([kM])\s?\}\s?\\Omega(?![A-Za-z])"
)
_CHOSEN = re.compile(
    r"(?<![A-Za-z0-9)}])(?:\{\})?[\^_]\{?([0-9]{1,4}|[A-Za-z])\}?\s?([CP])\s?_\{?([0-9]{1,4}|[A-Za-z])\}?(?![A-Za-z0-9])"
)
"""^nC_2 and _5C_2: n choose 2. _5P_2: so many arrangements, which is 2! times as many."""
_IN_BASE = re.compile(r"(?<![A-Za-z0-9_])\(([0-9]{1,60})\)_")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9])\{,\}(?=(?:[0-9]{1,2}|[0-9]{4,30})(?![0-9]))")
"""0{,}5: TeX's decimal comma; before three digits it parts thousands."""
_SLANTED = re.compile(r"(?<![A-Za-z0-9)}])\^\{?([0-9]{1,9})\}?\s?/\s?_\{?([0-9]{1,9})\}?")
"""^3/_7: a fraction set small."""
_HALF_OF_ONE = re.compile(r"^(?:half an?|(?:one|a) half(?: of)? an?)\s(?=[a-z])", re.I)
_AND_A_PART = re.compile(
    r"(?<![\d.,/^_])([0-9]{1,9}) and (?:(?:a|one)[ -](half|quarter)|(three)[ -]quarters)\b(?! of)", re.I
)
_SLASHED = re.compile(r"(?<![A-Za-z\\])d([A-Za-z])\s?/\s?d([A-Za-z])(?![A-Za-z])")
"""dy/dx."""
_DOTTED = re.compile(r"\\dot\s?\{?([0-9])\}?([0-9]{0,30})\\dot\s?\{?([0-9])\}?")
"""0.\\dot{2}\\dot{7}: from the first dot to the last the digits repeat."""
_RESTATED = re.compile(
    r"(?:\s?,|\s\()\s?(?:that is|i\.\s?e\.|namely|which is|which equals|or simply)"
    r"(?: to say)?(?: equal to)?,?\s(?=[-0-9$\\])"
)
"""30 + 6, that is, 36: a value and the same again."""
_CIRCUMSTANCE = re.compile(rf"\s*{words.CIRCUMSTANCE}\s[^,]{{1,60}},\s(?:that|which) (?:is|equals)\s", re.I)
"""For 4 people, that is 36."""
_IN_BRACKETS = re.compile(
    r"(?:\s|\\[;,: ]|~){0,6}\((?:\s?=\s?|(?:or|that is|i\.\s?e\.|namely|equivalently),?\s)"
    r"(?=[-0-9$\\])(?!\\text)([^()]{1,60})\)(?=[\s.$]{0,6}$)"
)
"""7/2 (= 3.5), 3/4 (or 75%): the same again in brackets."""
_NUMBER = re.compile(r"-?[0-9][0-9.,/]{0,20}%?")
_NOT_ANOTHER = re.compile(
    rf"(?:\s?,|\s?\(|\s)\s?{words.NOT_ANOTHER}\s"
    r"(-?[0-9][0-9.,/]{0,20}%?)(?:\s[a-z]{1,15})?[)\s]{0,3}$"
)
"""18, not 20; 18 cm (not 20 cm)."""
_ABOUT = r"(?:or\s)?(?:\\approx|about|approximately|approx\.?|roughly|around)\s{0,3}"
_ROUNDED = re.compile(
    r"(?:\s|\\[;,: ]|~){0,6}"
    rf"(?:\({_ABOUT}(?=[-0-9$])([^()]{{1,40}})\)"
    rf"|\\text\{{\s?\({_ABOUT}([0-9.,]{{1,20}})\)\}}"
    rf"|(?:,\s?|\s)or\s{_ABOUT}(?=[0-9])([0-9.,]{{1,20}})"
    rf"|\\text\{{,?\s?or\s{_ABOUT}\}}\s?([0-9.,]{{1,20}}))(?=[\s.$]{{0,6}}$)"
)
"""4\\pi (about 12.57); 4\\pi, or about 12.57."""
_UPRIGHT = r"(?:\\(?:text|mathrm)\{[A-Za-zµ°\s\\,.]{1,24}\}(?:\^\{?[0-9]\}?)?(?:\s|\\[,;]|\\cdot\s?){0,3}){1,3}"
_UNIT_FRACTION = re.compile(rf"(?<=[0-9}})\s;,])\\[dt]?frac\s?\{{({_UPRIGHT})\}}\s?\{{({_UPRIGHT})\}}")
"""9.8\\,\\frac{\\text{m}}{\\text{s}^2}: a unit, in upright letters alone."""
_UPRIGHT_SIGNS = re.compile(r"\\(?:text|mathrm|cdot)|\\[,;]|[{}]")
_ONE_OF = re.compile(r"\(an? (?=(?:dozen|hundred|thousand|million)\))")
_NUMBER_CHOSEN = re.compile(r"(?<![A-Za-z0-9.])([0-9]{1,4})\s?([CP])\s?([0-9]{1,4})(?=\s?=)")
"""5C2 = 10."""
_TIMES_TEN = re.compile(r"(?<=[0-9])\s?[xX]\s?(?=10\^)")
_KINDS = {"constant": None, "real": None, "number": None, "integer": "Z", "natural": "N", "Z": "Z", "N": "N"}
_LETTER = r"\$?(\\?[A-Za-z]+(?:_\{?[0-9]\}?)?)\$?"
_OF_LETTERS = (
    re.compile(
        rf"[,\s(]{{0,4}}(?:where|with|for)\s(?:(?:some|any|every|all|each)\s)?{_LETTER}\s(?:is|being|are)\s(?:an?|any|some|the)\s"
        r"(?:(?:arbitrary|real|positive|nonzero|non-zero)\s){0,2}(constant|integer|natural|real|number)"
        r"(?:\s(?:number|constant|of integration))?s?[\s).]*$"
    ),
    re.compile(
        rf"[,\s(]{{0,4}}(?:where|with|for)\s(?:(?:some|any|every|all|each)\s)?{_LETTER}\s?\\in\s?"
        r"(?:\\mathbb\s?\{?|\\)?([ZN])\}?[\s).]*$"
    ),
    re.compile(
        rf"[,\s(]{{0,4}}(?:where|with|for)\s(?:some|any|every|all|each|an|a)\s(?:(?:arbitrary|real)\s){{0,2}}"
        rf"(constant|integer|natural|real|number)(?:\snumber)?s?\s{_LETTER}[\s).]*$"
    ),
)
"""..., where C is an arbitrary constant; ... for k \\in \\mathbb{Z}; ... for any integer k."""
_LEADS = re.compile(
    r"(?:(?:approximately|approx\.?|exactly|about|roughly|around|equals|equal to|a total of|is|so|thus|therefore"
    r"|hence|namely|finally|lastly|in total|in all|altogether|\\approx|\\therefore|\\implies|\\Rightarrow"
    r"|答案[是为]?|约为?|等于|the (?:final )?answer is)[\s:,]{1,3}){1,3}",
    re.I,
)


def _command(match: re.Match[str]) -> str:
    target = _COMMANDS[match.group(1)]
    if target in _BARE:
        return target
    return f"\\{target}" if target in _PLAIN else f"\\{target} "


def _chosen(match: re.Match[str]) -> str:
    over, letter, under = match.groups()
    return f"\\binom{{{over}}}{{{under}}}" + (f"\\cdot({under}!)" if letter == "P" else "")


def _unicode(text: str) -> str:
    text = _SUPERS.sub(lambda m: "^{" + "".join(map(_SUPER.__getitem__, m.group())) + "}", text)
    text = _SUBS.sub(lambda m: "_{" + "".join(map(_SUB.__getitem__, m.group())) + "}", text)
    text = text.translate(_TABLE)
    if text.isascii():
        return text
    kept = text.replace("µ", "\ue000")  # the micro sign is no letter mu
    return unicodedata.normalize("NFKC", kept).translate(_TABLE).replace("\ue000", "µ")


def _unwrap(text: str) -> str:
    """Without the delimiters, emphasis and punctuation around the whole."""
    for _ in range(6):
        before = text
        text = text.strip()
        if text.endswith("\\") and not text.endswith("\\\\"):
            text = text[:-1].rstrip()  # the last of `5\ `
        while text.endswith(_SPACES):
            text = text[:-2].rstrip()
        while text.startswith(_SPACES):
            text = text[2:].lstrip()
        text = text.lstrip(_LEADING).rstrip(_TRAILING)
        while text.endswith((".", ",")) and not text.endswith(("\\.", "\\,", "...")):
            text = text[:-1].rstrip()
        emphasised = _PAIRED.fullmatch(text)
        if emphasised and emphasised[1] not in emphasised[2]:
            text = emphasised[2]
        for left, right in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$"), ("\\boxed{", "}")):
            if text.startswith(left) and text.endswith(right) and len(text) > len(left) + len(right):
                inner = text[len(left) : -len(right)]
                if (
                    ("$" not in inner.replace("\\$", ""))
                    if left[0] == "$"
                    else (left != "\\boxed{" or _balanced(inner))
                ):
                    text = inner
        if text == before:
            break
    return text


def _balanced(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0


def _unit_fraction(match: re.Match[str]) -> str:
    over, under = (" ".join(_UPRIGHT_SIGNS.sub(" ", side).split()).replace(" ^", "^") for side in match.groups())
    unit = f"{over}/({under})"
    return f"\\text{{ {unit}}}" if units.spelled(unit) else match[0]


def _with_conditions(text: str) -> str:
    """A letter's kind in words as a condition, or left out where it is a constant that stands in the formula."""
    flat = " ".join(TEXT_COMMAND.sub(r" \1 ", text).split())
    for pattern in _OF_LETTERS:
        match = pattern.search(flat[-120:])
        if match is None:
            continue
        kind, letter = (match[1], match[2]) if match[1] in _KINDS else (match[2], match[1])
        formula = flat[: len(flat) - len(flat[-120:]) + match.start()].rstrip(" ,")
        if letter not in formula:
            return text
        numbers = _KINDS[kind]
        return f"{formula}, {letter} \\in \\mathbb{{{numbers}}}" if numbers else formula
    return text


def without_another(text: str) -> str | None:
    """18 of "18, not 20": the number that it is not says nothing of it. None where there is none such."""
    if "not " not in text and "rather than" not in text and "instead of" not in text:
        return None
    flat = " ".join(TEXT_COMMAND.sub(r" \1 ", text).split())
    match = _NOT_ANOTHER.search(flat[-80:])
    if match is None:
        return None
    head = flat[: len(flat) - len(flat[-80:]) + match.start()].rstrip(" ,")
    numbers = _NUMBER.findall(head)
    return head if numbers and match[1] not in numbers else None


def normalise(text: str) -> str:
    """One spelling of `text`. The result is at most a small multiple of its length."""
    if not text.isascii():
        text = _OHM.sub(lambda m: f"\\text{{ {m[1]}ohm}}", _MICRO.sub("µ", text))
        text = _unicode(text)
    if ">" in text:
        text = _HALF_EMPHASISED.sub(" ", _EMPHASISED.sub(r" \2 ", text))
    text = _unwrap(text)
    if text[:3].isupper():
        text = _MONEY_FIRST.sub(r"\2\\text{ \1}", text)
    if "$" in text:
        text = _SPACED_INLINE.sub(lambda m: f" {m[1]} " if "\\" in m[1] else m[0], text)
        text = _INLINE.sub(lambda m: f" {m[1]} ", text).strip()
    if "^" in text or "_" in text:
        text = _IN_BASE.sub(r"\1_", text) if ")_" in text else text
        text = _CHOSEN.sub(_chosen, text) if "C" in text or "P" in text else text
        text = _SLANTED.sub(r"\\frac{\1}{\2}", text) if "/" in text else text
    if "(" in text:
        text = _ONE_OF.sub("(one ", _IN_BRACKETS.sub(r" = \1", text) if text.rstrip(" \t\n.$")[-1:] == ")" else text)
    if "approx" in text or "about" in text or "roughly" in text or "around" in text:
        text = _ROUNDED.sub(lambda m: f" \\approx {m[1] or m[2] or m[3] or m[4]}", text)
    if "that is" in text or "which" in text or "namely" in text or "i.e" in text or "or simply" in text:
        text = text if _CIRCUMSTANCE.match(text) else _RESTATED.sub(" = ", text)
    if "=" in text and ("C" in text or "P" in text):
        text = _NUMBER_CHOSEN.sub(_chosen, text)
    if "10^" in text:
        text = _TIMES_TEN.sub("\\\\times ", text)
    if "/d" in text or "/ d" in text:
        text = _SLASHED.sub(r"\\frac{d\1}{d\2}", text)
    if "for " in text or "where " in text or "with " in text:
        text = _with_conditions(text)
    if " and " in text:
        text = _AND_A_PART.sub(lambda m: f"{m[1]}.{'75' if m[3] else '5' if m[2].lower() == 'half' else '25'}", text)
    if text[:1].isalpha():
        text = _HALF_OF_ONE.sub(r"\\frac{1}{2} ", text)
    if "\\dot" in text:
        text = _DOTTED.sub(r"\\overline{\1\2\3}", text)
    if "\\" in text or "{" in text:
        text = _DECIMAL_COMMA.sub(".", text) if "{,}" in text else text
        text = text.replace("{:}", ":")
        if "\\\\" in text and "\\begin" not in text:
            text = _DOUBLED.sub(lambda m: "\\", text)
        if "frac{\\text" in text or "frac{\\mathrm" in text:
            text = _UNIT_FRACTION.sub(_unit_fraction, text)
        if "color" in text or "\\num" in text:
            text = _COLOURED.sub("", text)
        if "\\SI{" in text or "\\qty{" in text:
            text = _QUANTITY.sub(lambda m: f"{m[1]}\\text{{ {m[2]}}}", text)
        if "\\mu" in text or "\\Omega" in text:
            text = _OHM_TEX.sub(lambda m: f"\\text{{ {m[1] or m[2] or ''}ohm}}", text)
            text = _MICRO.sub(lambda m: ("\\text{" if "{" in m.group() else "") + "µ", text)
        text = _COMMAND.sub(_command, text)
        if "{," in text or "\\!" in text or "\\," in text:
            text = _THOUSANDS.sub("", text)
        text = _SPACING.sub("", text)
        text = text.replace("\\%", "%").replace("\\&", "&").replace("\\#", "#").replace("\\_", "_")
        text = text.replace("\\$", "＄").replace("$", "＄").replace("\\(", " ").replace("\\)", " ")
    elif "$" in text:
        text = text.replace("$", "＄")
    if "\\" in text or "~" in text or "&" in text or not text.isprintable():
        text = _SPACE.sub(lambda m: m.group(1) or " ", text)
    text = text.strip(" ;,")
    if text.endswith("\\checkmark"):
        text = text[:-10].rstrip()
    if " " in text:
        text = _SPACED_THOUSANDS.sub(lambda m: m.group().replace(" ", ""), text)
    lead = _LEADS.match(text)
    return text[lead.end() :] if lead and lead.end() < len(text) else text
