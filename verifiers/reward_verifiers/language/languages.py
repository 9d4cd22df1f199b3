"""The languages that can be distinguished, by script, and the codes that people write for them.

shared script   latin, cyrillic, arabic     words decide: frequency lists
one language    devanagari, bengali, …      words decide between that language and an unknown one
own script      hangul, thai, georgian, …   the script decides
cjk             Chinese, Japanese           characters and their neighbours decide
"""

from __future__ import annotations

from reward_verifiers.language.data import meanings

UNKNOWN = "und"

# Scripts whose words are looked up in frequency lists. Serbian, Croatian and Bosnian are one language here, in two scripts.
LISTED: dict[str, tuple[str, ...]] = {
    "latin": (
        *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "vi", "id", "sv", "ca", "cs"),
        *("da", "fi", "hu", "is", "lt", "lv", "ms", "nb", "ro", "sk", "sl", "sh", "tl"),
    ),
    "cyrillic": ("ru", "uk", "bg", "mk", "sh"),
    "arabic": ("ar", "fa", "ur"),
    "devanagari": ("hi",),
    "bengali": ("bn",),
    "hebrew": ("he",),
    "greek": ("el",),
}

# Scripts that one language alone uses, or nearly so.
ALONE: dict[str, str] = {
    "hangul": "ko",
    "thai": "th",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "gujarati": "gu",
    "gurmukhi": "pa",
    "sinhala": "si",
    "georgian": "ka",
    "armenian": "hy",
    "khmer": "km",
    "lao": "lo",
    "burmese": "my",
}

CODES: tuple[str, ...] = tuple(
    dict.fromkeys(("zh", "ja", *(code for codes in LISTED.values() for code in codes), *ALONE.values()))
)

_MEANT = meanings()


def meant(code: str) -> str | None:
    """The supported code that someone means by this one; None when there is none.

    >>> meant("zh-TW"), meant("hr"), meant("English"), meant("sw")
    ('zh', 'sh', 'en', None)
    """
    lowered = code.strip().lower().replace("_", "-")
    for candidate in (lowered, lowered.partition("-")[0]):
        if candidate in CODES:
            return candidate
        if candidate in _MEANT:
            return _MEANT[candidate]
    return None


def check_code(code: str) -> str:
    """The code itself. Raises ValueError when it is not supported; the message names the code that is meant."""
    if code in CODES:
        return code
    hint = meant(code)
    if hint is not None:
        raise ValueError(f"the language {code!r} is not supported under this code; use {hint!r}")
    raise ValueError(f"the language {code!r} is not supported; supported are {', '.join(sorted(CODES))}")
