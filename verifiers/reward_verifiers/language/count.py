"""How many words of which language a text has.

    strip ─▶ tokens ─▶ clauses (repeats capped) ─▶ by script: evidence ─▶ Viterbi ─▶ runs of words by language

Within a script the most likely sequence of languages is found, where changing costs, less so where a clause begins. That is
linear: with one price for any change, the best predecessor is the word's own language or the best of all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from reward_verifiers.language.lexicon import ALONE, SHARED, Evidence, han, lexicon
from reward_verifiers.language.text import Token, strip, tokens

# Characters a word, where words are not spaced.
HAN_WORD = 1.65
KANA_WORD = 2.2
THAI_WORD = 4.4
UNKNOWN = "und"

_CJK = frozenset({"han", "kana"})
_CHANGE = 3.0  # powers of ten that a change of language costs inside a clause
_CHANGE_AT_BEGIN = 1.2
_AGAINST = 2.5  # a word that speaks so much against its clause's language is decided by itself
_KANA_EVIDENCE = 3.0
_HAN_CLIP = 2.0
_FOREIGN = -9.0
_KEEP_LANGUAGES = 6
_CLAUSE_WORDS = 16
_GRAM = 4


@dataclass(slots=True)
class Run:
    """Neighbouring words of one language; the place is in the stripped text."""

    language: str
    words: float
    start: int
    end: int


@dataclass(slots=True)
class Chain:
    """The words of one script, in order, how much each counts, and where clauses begin (with the end of the last one)."""

    tokens: list[Token] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    begins: list[int] = field(default_factory=lambda: [0])


@dataclass(slots=True)
class Counted:
    """Words by language, and the runs that they stand in, in order."""

    words: dict[str, float]
    runs: list[Run]
    text: str

    @property
    def total(self) -> float:
        return sum(self.words.values())


def count(text: str, candidates: Sequence[str], allow: frozenset[str] = frozenset(), repeats: int = 3) -> Counted:
    """Words of each language in a text."""
    stripped = strip(text)
    chains = _chains(_weighed(_clauses(tokens(stripped), allow), repeats))
    found = [run for script, chain in chains.items() for run in _judge(script, chain, candidates)]
    runs: list[Run] = []
    totals: defaultdict[str, float] = defaultdict(float)
    for run in sorted(found, key=lambda run: run.start):
        totals[run.language] += run.words
        if runs and runs[-1].language == run.language:
            runs[-1].words += run.words
            runs[-1].end = run.end
        else:
            runs.append(run)
    return Counted(dict(totals), runs, stripped)


def main_language(text: str, candidates: Sequence[str]) -> str | None:
    """The language of most words; None without words."""
    words = count(text, candidates).words
    return max(words, key=lambda language: words[language]) if words else None


# --- clauses ----------------------------------------------------------------------------------------------------------


def _clauses(found: Iterable[Token], allow: frozenset[str]) -> Iterator[list[Token]]:
    """The words between two stops, in pieces of at most _CLAUSE_WORDS."""
    clause: list[Token] = []
    for token in found:
        is_stop = token.script == "stop"
        if is_stop or len(clause) == _CLAUSE_WORDS:
            if clause:
                yield clause
            clause = []
        if not is_stop and token.text not in allow:
            clause.append(token)
    if clause:
        yield clause


def _weighed(clauses: Iterable[list[Token]], repeats: int) -> Iterator[tuple[list[Token], list[float]]]:
    """Each clause and how much its words count: 1, a quarter of that each time it comes again, nothing after `repeats`.

    Digits are no tokens, so numbering the repeats does not help. A clause without an end is weighed word by word, each with
    the _GRAM - 1 before it.
    """
    seen: Counter[tuple[str, ...]] = Counter()

    def weight(key: tuple[str, ...]) -> float:
        seen[key] += 1
        return 0.25 ** (seen[key] - 1) if seen[key] <= repeats else 0.0

    before: tuple[str, ...] = ()
    for clause in clauses:
        texts = tuple([token.text for token in clause])
        if len(clause) < _CLAUSE_WORDS:
            weights = [weight(texts)] * len(clause)
        else:
            line = (*before, *texts)
            skip = len(before)
            weights = [weight(line[max(0, i + skip - _GRAM + 1) : i + skip + 1]) for i in range(len(clause))]
        before = texts[1 - _GRAM :]
        if weights[0] and weights[-1]:
            yield clause, weights
        elif any(weights):
            kept = [position for position, each in enumerate(weights) if each]
            yield [clause[position] for position in kept], [weights[position] for position in kept]


def _chains(clauses: Iterable[tuple[list[Token], list[float]]]) -> dict[str, Chain]:
    chains: defaultdict[str, Chain] = defaultdict(Chain)
    for clause, weights in clauses:
        touched = {_chain_of(token) for token in clause}
        if len(touched) == 1:
            chain = chains[_chain_of(clause[0])]
            chain.tokens += clause
            chain.weights += weights
        else:
            for token, weight in zip(clause, weights, strict=True):
                chain = chains[_chain_of(token)]
                chain.tokens.append(token)
                chain.weights.append(weight)
        for name in touched:
            chains[name].begins.append(len(chains[name].tokens))
    return chains


def _chain_of(token: Token) -> str:
    return "cjk" if token.script in _CJK else token.script


# --- languages --------------------------------------------------------------------------------------------------------


def _judge(script: str, chain: Chain, candidates: Sequence[str]) -> list[Run]:
    """The runs of a script's chain, in order; neighbours may be of one language."""
    if script == "cjk":
        return _judge_cjk(chain, candidates)
    if script in SHARED:
        languages = tuple(language for language in SHARED[script] if language in candidates)
        if len(languages) > 1:
            return _judge_shared(chain, languages)
        language = languages[0] if languages else UNKNOWN
    else:
        language = ALONE.get(script, UNKNOWN)
    per_word = THAI_WORD if script == "thai" else 0
    edges = zip(chain.begins[:-1], chain.begins[1:], strict=True)
    return [_run(language, chain, start, end, per_word) for start, end in edges]


def _run(language: str, chain: Chain, start: int, end: int, per_word: float = 0) -> Run:
    """Words start to end of the chain. per_word: characters a word, where these are runs and not words."""
    weights, words = chain.weights[start:end], chain.tokens[start:end]
    if per_word:
        amount = sum(weight * len(word.text) for weight, word in zip(weights, words, strict=True)) / per_word
    else:
        amount = sum(weights)
    return Run(language, amount, words[0].start, words[-1].start + len(words[-1].text))


def _judge_shared(chain: Chain, languages: tuple[str, ...]) -> list[Run]:
    evidence = lexicon(languages).rows([token.text for token in chain.tokens])
    kept = _likely(evidence)
    edges, sums, begins = _blocks(evidence[:, kept], chain.begins)
    path = viterbi(sums, begins)
    return [
        _run(languages[kept[state]], chain, start, end)
        for start, end, state in zip(edges[:-1], edges[1:], path, strict=True)
    ]


def _likely(evidence: Evidence) -> list[int]:
    """The few languages that most words speak for: the rest only costs time, and errors."""
    best = np.isclose(evidence, 0.0)
    votes = (best / np.maximum(best.sum(axis=1, keepdims=True), 1)).sum(axis=0) + 1e-3 * np.exp(evidence.mean(axis=0))
    kept: list[int] = np.argsort(-votes)[:_KEEP_LANGUAGES].tolist()
    return sorted(kept)


def _blocks(evidence: Evidence, begins: Sequence[int]) -> tuple[list[int], Evidence, list[bool]]:
    """What is decided as one: a clause in which no word speaks against its best language, else each word by itself.

    Returns the blocks' edges, the sums of their evidence, and whether each begins a clause.
    """
    starts, lengths = np.asarray(begins[:-1]), np.diff(begins)
    best = np.repeat(np.add.reduceat(evidence, starts).argmax(axis=1), lengths)
    worst = np.minimum.reduceat(evidence[np.arange(len(evidence)), best], starts)
    is_edge = np.ones(len(evidence) + 1, dtype=bool)
    is_edge[:-1] = np.repeat(worst < -_AGAINST, lengths)
    is_edge[starts] = True
    edges = np.flatnonzero(is_edge)
    begin: list[bool] = np.isin(edges[:-1], starts).tolist()
    return edges.tolist(), np.add.reduceat(evidence, edges[:-1]), begin


def _judge_cjk(chain: Chain, candidates: Sequence[str]) -> list[Run]:
    """Han is Chinese or Japanese by its characters and its neighbours; kana is Japanese."""
    table = han()
    rows = np.zeros((len(chain.tokens), 2), dtype=np.float32)
    has_kana = False
    for position, token in enumerate(chain.tokens):
        if token.script == "kana":
            rows[position, 0] = -_KANA_EVIDENCE
            has_kana = True
        else:
            for_japanese = sum(max(-_HAN_CLIP, min(_HAN_CLIP, table.get(char, 0.0))) for char in token.text[:200])
            rows[position] = (min(0.0, -for_japanese), min(0.0, for_japanese))
    if "ja" not in candidates and not has_kana:
        rows[:, 1] = _FOREIGN
    if "zh" not in candidates:
        rows[:, 0] = _FOREIGN
    starts = set(chain.begins)
    path = viterbi(rows, [position in starts for position in range(len(rows))])
    runs = []
    for position, (token, state) in enumerate(zip(chain.tokens, path, strict=True)):
        is_kana = token.script == "kana"
        language = "ja" if is_kana else ("zh", "ja")[state]
        runs.append(_run(language, chain, position, position + 1, KANA_WORD if is_kana else HAN_WORD))
    return runs


def viterbi(evidence: Evidence, begins: Sequence[bool]) -> list[int]:
    """The likeliest state of each block. evidence: (blocks, states), log10; begins: whether a clause begins with it."""
    rows: list[list[float]] = evidence.tolist()
    scores = rows[0]
    history = [scores]
    for row, begin in zip(rows[1:], begins[1:], strict=True):
        entry = max(scores) - (_CHANGE_AT_BEGIN if begin else _CHANGE)
        scores = [(own if own > entry else entry) + value for own, value in zip(scores, row, strict=True)]
        history.append(scores)
    state = scores.index(max(scores))
    path = [state]
    for position in range(len(rows) - 1, 0, -1):
        before = history[position - 1]
        best = max(before)
        if before[state] < best - (_CHANGE_AT_BEGIN if begins[position] else _CHANGE):
            state = before.index(best)
        path.append(state)
    return path[::-1]
