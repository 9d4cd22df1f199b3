"""Chinese or Japanese? By characters, simplified or traditional, and by what stands beside them.

Simplified, traditional and Japanese characters are three states. `wordfreq`'s Chinese list is simplified, so the traditional
one is made of it with the table of characters that `wordfreq` brings. Kana is Japanese. Japanese without any kana in a
clause is rare, and kana that touches a Han character makes that Japanese.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.resources import files

import msgpack
import numpy as np
import numpy.typing as npt
from wordfreq import get_frequency_list

from reward_verifiers.language.lexicon import Evidence
from reward_verifiers.language.path import likeliest
from reward_verifiers.language.words import CLASS, Bools, Ints, Words, code_points

_FLOOR = -6.3
_CLIP = 200
_KANA = 300
_BESIDE_KANA = 80
_NO_KANA = 25
_NO_KANA_MOST = 150
_TABLE = 0x30000
# Written Cantonese, of which the lists have little.
_CANTONESE = "嘅係唔喺冇佢咁嗰嚟啲咗嘢噉哋乜攞揾睇諗瞓靚畀俾嘥嘞啦喎咩嗌啱嗱囉咪咧嚿搵咯噃吖㗎黐孭曱甴掟踎餸"


@lru_cache(maxsize=1)
def han() -> npt.NDArray[np.int32]:
    """Per code point: how much it speaks for simplified Chinese, traditional Chinese and Japanese."""
    simplified, japanese = _shares("zh"), _shares("ja")
    path = files("wordfreq") / "data" / "_chinese_mapping.msgpack.gz"
    mapping: dict[int, str] = msgpack.loads(gzip.decompress(path.read_bytes()), raw=False, strict_map_key=False)
    traditional = simplified.copy()
    one_to_one = {code: ord(to) for code, to in mapping.items() if len(to) == 1 and code < _TABLE}
    for simple in set(one_to_one.values()):
        traditional[simple] *= 0.05 if simple not in one_to_one else 1.0
    for code, simple in one_to_one.items():
        traditional[code] = max(float(simplified[simple]), 10**_FLOOR)
    cantonese = code_points(_CANTONESE)
    traditional[cantonese] = np.maximum(traditional[cantonese], 1e-4)
    logs = np.log10(np.maximum(np.stack([simplified, traditional, japanese], axis=1), 10**_FLOOR))
    logs -= logs.max(axis=1, keepdims=True)
    evidence: npt.NDArray[np.int32] = np.rint(100 * logs).clip(-_CLIP, 0).astype(np.int32)
    return evidence


def _shares(language: str) -> npt.NDArray[np.float64]:
    counts = np.zeros(_TABLE)
    for number, words in enumerate(get_frequency_list(language, "small")):
        codes = code_points("".join(words))
        np.add.at(counts, codes[(codes >= 0x3400) & (codes <= 0x9FFF)], 10 ** (-number / 100))
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares


def is_japanese(
    words: Words, numbers: Ints, clauses: Ints, costs: npt.NDArray[np.int32], candidates: frozenset[str]
) -> Bools:
    """For each Han or kana word of a text, whether it is Japanese and not Chinese."""
    starts, ends = words.start[numbers], words.end[numbers]
    is_kana = words.script[numbers] == CLASS["kana"]
    if "ja" not in candidates and not is_kana.any():
        return np.zeros(len(numbers), dtype=bool)
    lengths = ends - starts
    first = np.cumsum(lengths) - lengths
    places = np.repeat(starts - first, lengths) + np.arange(lengths.sum())
    rows = np.add.reduceat(han()[words.codes[places]], first, axis=0)
    rows[is_kana] = (-_KANA, -_KANA, 0)
    if "zh" not in candidates:
        rows[:, :2] -= 900
    else:
        rows += _beside(starts, ends, is_kana, clauses)
    evidence: Evidence = (rows - rows.max(axis=1, keepdims=True)).astype(np.int32)
    japanese: Bools = (likeliest(evidence, costs) == 2) | is_kana
    return japanese


def _beside(starts: Ints, ends: Ints, is_kana: Bools, clauses: Ints) -> Ints:
    """What the neighbours of Han words say: kana that touches them, a clause without any."""
    touches = np.append(starts[1:] == ends[:-1], False)
    runs = np.cumsum(np.insert(~(touches[:-1] & (is_kana[1:] == is_kana[:-1])), 0, False))
    kana_before = np.insert(touches[:-1] & is_kana[:-1], 0, False)
    kana_after = touches & np.append(is_kana[1:], False)
    beside = np.bincount(runs, weights=kana_before | kana_after)[runs] > 0
    has_kana = np.bincount(clauses, weights=is_kana)[clauses] > 0
    rows = np.zeros((len(starts), 3), dtype=np.int64)
    rows[beside & ~is_kana, :2] -= _BESIDE_KANA
    alone = ~has_kana & ~is_kana
    rows[alone, 2] -= np.minimum(_NO_KANA * (ends - starts), _NO_KANA_MOST)[alone]
    return rows
