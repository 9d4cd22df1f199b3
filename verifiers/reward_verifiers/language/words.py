"""A text as arrays: one class a character, one row a word.

    text ─▶ code points ─▶ class of each ─▶ runs of one class ─▶ words

Everything is a NumPy operation over the whole text, so a megabyte takes tens of milliseconds. Scripts that do not space
their words are cut into pieces of at most PIECE characters.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reward_verifiers.scripts import PER_WORD

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

PIECE = 4
MAX_LETTERS = 64

OTHER, STOP, DIGIT, MARK, UNLISTED = 0, 1, 2, 3, 4
SCRIPTS: tuple[str, ...] = (
    *("latin", "cyrillic", "greek", "arabic", "devanagari", "hebrew", "bengali", "hangul", "thai", "tamil", "telugu"),
    *("kannada", "malayalam", "gujarati", "gurmukhi", "sinhala", "georgian", "armenian", "khmer", "lao", "burmese"),
    *("han", "kana"),
)
CLASS: dict[str, int] = {name: number for number, name in enumerate(SCRIPTS, 10)}
_IS_UNSPACED = np.zeros(256, dtype=bool)
_IS_UNSPACED[[CLASS[name] for name in PER_WORD]] = True

_RANGES: dict[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF)),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ((0x400, 0x52F),),
    "armenian": ((0x531, 0x58F),),
    "hebrew": ((0x591, 0x5F4),),
    "arabic": ((0x610, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)),
    "devanagari": ((0x900, 0x963), (0x970, 0x97F)),
    "bengali": ((0x980, 0x9FF),),
    "gurmukhi": ((0xA00, 0xA7F),),
    "gujarati": ((0xA80, 0xAFF),),
    "tamil": ((0xB80, 0xBFF),),
    "telugu": ((0xC00, 0xC7F),),
    "kannada": ((0xC80, 0xCFF),),
    "malayalam": ((0xD00, 0xD7F),),
    "sinhala": ((0xD80, 0xDFF),),
    "thai": ((0xE01, 0xE3A), (0xE40, 0xE4E)),
    "lao": ((0xE80, 0xECD),),
    "burmese": ((0x1000, 0x109F),),
    "georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    "khmer": ((0x1780, 0x17D3),),
    "hangul": ((0x1100, 0x11FF), (0x3131, 0x318E), (0xAC00, 0xD7A3)),
    "kana": ((0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0xFF66, 0xFF9F)),
    "han": ((0x3005, 0x3005), (0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
}
_STOPS = ".!?;:,\n\u3002\uff01\uff1f\uff1b\uff0c\u3001\uff1a\u061f\u060c\u061b\u06d4\u0964\u0589\u17d4\u104a\u104b"
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
_TABLE = 0x30000
# One number holds what there is to know of a character, so that a text is looked up once.
_CODE, _KIND, _CAPITAL, _SILENT = np.uint32(0x3FFFF), np.uint32(18), np.uint32(1 << 24), np.uint32(1 << 25)
# Vowel signs and the stretching line of Arabic and Hebrew: lists of words have none.
_SILENT_CODES = (*range(0x64B, 0x653), 0x670, 0x640, *range(0x591, 0x5C8))


def _powers(base: int, size: int) -> Hashes:
    """The first powers of a number; those for texts of up to a megabyte or two are kept."""
    return _kept_powers(base, size.bit_length())[:size] if size < _KEPT else _powers_of(base, size)


@lru_cache(maxsize=8)
def _kept_powers(base: int, bits: int) -> Hashes:
    return _powers_of(base, 1 << bits)


def _powers_of(base: int, size: int) -> Hashes:
    powers = np.full(size, base, dtype=np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Sums:
    """Running sums of a text's letters, each times a power of its place: a part's hash is one difference (Karp, Rabin)."""

    sums: Hashes
    places: Ints
    """Of each character and of the end: how many letters stand before it. Silent ones have none."""

    @classmethod
    def of(cls, codes: npt.NDArray[np.uint32], silent: Bools) -> Sums:
        """codes: in lower case; silent: which of them no list has."""
        places = np.arange(len(codes) + 1)
        letters = codes.astype(np.uint64)
        if silent.any():
            places[1:] -= np.cumsum(silent)
            letters[silent] = 0
            powers = _powers(_BASE, len(places))[places[:-1]]
        else:
            powers = _powers(_BASE, len(codes))
        sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(letters * powers, out=sums[1:])
        return cls(sums, places)

    def hashes(self, starts: Ints, ends: Ints) -> Hashes:
        """One number for each part, of its letters in order."""
        shifted = self.sums[ends] - self.sums[starts]
        values = shifted * _powers(_INVERSE, len(self.places))[self.places[starts]]
        mixed: Hashes = values ^ (values >> np.uint64(29))
        return mixed


@dataclass(slots=True)
class Words:
    """The words of a text, in order; `start` and `end` are places in `codes`."""

    codes: npt.NDArray[np.uint32]
    """The text's code points, in lower case."""
    kinds: npt.NDArray[np.uint8]
    """The class of each character."""
    script: npt.NDArray[np.uint8]
    start: Ints
    end: Ints
    hashes: Hashes
    capital: Bools
    """The word begins with a capital letter."""
    sums: Sums

    def __len__(self) -> int:
        return len(self.start)

    def text(self, number: int) -> str:
        """The word in lower case."""
        codes = self.codes[self.start[number] : self.end[number]]
        return "".join(map(chr, codes.tolist()))


@lru_cache(maxsize=1)
def _properties() -> npt.NDArray[np.uint32]:
    """Per code point: its lower case, its class, whether it is a capital, whether no list of words has it."""
    categories = [unicodedata.category(chr(code)) for code in range(_TABLE)]
    kinds = np.zeros(_TABLE, dtype=np.uint8)
    is_letter = np.array([category in _LETTERS for category in categories])
    is_mark = np.array([category in _MARKS for category in categories])
    kinds[is_letter] = UNLISTED
    kinds[is_mark] = MARK
    kinds[np.array([category == "Nd" for category in categories])] = DIGIT
    for name, ranges in _RANGES.items():
        for first, last in ranges:
            inside = np.arange(first, last + 1)
            kinds[inside[is_letter[inside] | is_mark[inside]]] = CLASS[name]
    kinds[0x300:0x370] = MARK
    kinds[0x3007] = CLASS["han"]
    kinds[0x20000:0x30000] = CLASS["han"]
    kinds[[ord(stop) for stop in _STOPS]] = STOP
    lower = np.arange(_TABLE, dtype=np.uint32)
    capital = np.array([category in ("Lu", "Lt") for category in categories])
    for code in np.flatnonzero(capital).tolist():
        lower[code] = ord(chr(code).lower()[0])
    lower[ord("ς")] = ord("σ")  # as the lists have it
    properties = lower | kinds.astype(np.uint32) << _KIND
    properties[capital] |= _CAPITAL
    properties[list(_SILENT_CODES)] |= _SILENT
    return properties


_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_KEPT = 1 << 21


def utf32(text: str) -> npt.NDArray[np.uint32]:
    """The text's code points."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The text's code points; those beyond the tables are the replacement character."""
    codes = utf32(text)
    return codes if codes.max(initial=0) < _TABLE else np.where(codes < _TABLE, codes, np.uint32(0xFFFD))


def among(hashes: Hashes, sorted_: Hashes) -> Bools:
    """Which of the words are among those with these hashes, which are sorted."""
    if not len(sorted_):
        return np.zeros(len(hashes), dtype=bool)
    places = np.searchsorted(sorted_, hashes)
    is_member: Bools = sorted_[np.minimum(places, len(sorted_) - 1)] == hashes
    return is_member


def distinct(hashes: Hashes) -> tuple[Ints, Ints]:
    """The place of one word of each kind, and the kind of each word."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    begins = np.ones(len(hashes), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    kinds = np.empty(len(hashes), dtype=np.int64)
    kinds[order] = np.cumsum(begins) - 1
    return order[begins], kinds


def split(text: str) -> Words:
    """The words of a text. A word of one letter is one too; who counts leaves it out."""
    properties = _properties()[code_points(text).astype(np.intp)]
    codes = properties & _CODE
    kinds = _with_marks((properties >> _KIND).astype(np.uint8) & np.uint8(0x3F))
    is_capital = (properties & _CAPITAL) != 0
    edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    starts, ends = np.insert(edges, 0, 0)[: len(kinds)], np.append(edges, len(kinds))[: len(kinds)]
    keep = np.flatnonzero(kinds[starts] >= UNLISTED)
    starts, ends = starts[keep], ends[keep]
    starts, ends = _pieces(starts, ends, _cuts(kinds, is_capital, starts, ends))
    sums = Sums.of(codes, (properties & _SILENT) != 0)
    return Words(codes, kinds, kinds[starts], starts, ends, sums.hashes(starts, ends), is_capital[starts], sums)


def _with_marks(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Each combining mark takes the class of the letter before it."""
    marks = np.flatnonzero(kinds == MARK)
    if not len(marks):
        return kinds
    kinds = kinds.copy()
    bases = np.where(kinds == MARK, -1, np.arange(len(kinds)))
    bases = np.maximum.accumulate(bases)[marks]
    kinds[marks] = np.where(bases >= 0, kinds[np.maximum(bases, 0)], OTHER)
    return kinds


def _cuts(kinds: npt.NDArray[np.uint8], is_capital: Bools, starts: Ints, ends: Ints) -> Ints:
    """Where runs are cut further: unspaced ones each PIECE characters, `camelCase` before its capitals."""
    is_long = _IS_UNSPACED[kinds[starts]] & (ends - starts > PIECE)
    lengths = (ends - starts)[is_long]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    inside = np.repeat(starts[is_long], lengths) + offsets
    unspaced = inside[(offsets % PIECE == 0) & (offsets > 0)]
    humps = np.flatnonzero(is_capital[1:] & ~is_capital[:-1] & (kinds[1:] == CLASS["latin"])) + 1
    humps = humps[kinds[humps - 1] == CLASS["latin"]]
    return np.concatenate([unspaced, humps])


def _pieces(starts: Ints, ends: Ints, cuts: Ints) -> tuple[Ints, Ints]:
    if not len(cuts):
        return starts, ends
    return _merged(starts, cuts), _merged(ends, cuts)


def _merged(one: Ints, other: Ints) -> Ints:
    return np.sort(np.concatenate([one, other]), kind="stable")
