import json
import random
import re
import statistics
import time
from itertools import combinations
from pathlib import Path

import pytest

from reward_verifiers.conformance import check_verifier
from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.verifier import Sample, Unsupported

SENTENCES = json.loads((Path(__file__).parents[2] / "data" / "language" / "sentences.json").read_text())
LATIN = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "vi")
VERIFIER = LanguageVerifier()


def judge(completion, reference=None, prompt="", prefix="", **options):
    sample = Sample(
        completion=completion,
        options=LanguageOptions(**{"scope": "all", "min_words": 1, **options}),
        reference=LanguageReference.model_validate(reference or {}),
        prompt=prompt,
        prefix=prefix,
    )
    return VERIFIER.verify(sample)


def words(language, sentence):
    if language == "th":
        return len(re.findall(r"[\u0e01-\u0e3a\u0e40-\u0e4e]", sentence)) / 4.4
    kana = len(re.findall(r"[\u3041-\u30fa\u30fc-\u30ff]", sentence)) / 2.2
    spaced = [
        word for word in re.split(r"[\s'.,،-]+", sentence) if len(word) > 1 and not re.search("[\u3041-\u9fff]", word)
    ]
    return kana + len(re.findall(r"[\u3400-\u9fff]", sentence)) / 1.65 + len(spaced)


def mixture(target, other, seed):
    """Sentences of both, shuffled, with noise between, and the true share of the target's words."""
    rng = random.Random(f"{target}{other}{seed}")
    parts = [(target, text) for text in rng.sample(SENTENCES[target], rng.randint(0, 3))]
    parts += [(other, text) for text in rng.sample(SENTENCES[other], rng.randint(1, 3))]
    rng.shuffle(parts)
    noise = ["$x^2 + \\frac{a}{b}$", "`print(total)`", "https://example.org/some/path", "12,345", "\\( \\alpha \\)"]
    text = " ".join(piece for _, sentence in parts for piece in (sentence, rng.choice(noise)))
    counts = {
        language: sum(words(language, one) for own, one in parts if own == language) for language in (target, other)
    }
    return text, counts[target] / (counts[target] + counts[other])


def error(pairs):
    errors = []
    for pair in pairs:
        for target, other in (pair, pair[::-1]):
            for seed in range(4):
                text, share = mixture(target, other, seed)
                errors.append(abs(judge(text, target=target).score - share))
    return statistics.fmean(errors)


@pytest.mark.parametrize("language", SENTENCES)
def test_one_language_is_known_as_such(language):
    scores = [judge(sentence, target=language).score for sentence in SENTENCES[language]]
    assert statistics.fmean(scores) >= 0.95
    assert min(scores) >= 0.75
    assert judge(" ".join(SENTENCES[language]), target=language).score >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pairs", "most"),
    [
        (combinations(SENTENCES, 2), 0.03),
        ([("zh", "en")], 0.02),
        (combinations(LATIN, 2), 0.04),
        ([("ja", "zh")], 0.045),
        ([("ru", "uk")], 0.045),
        ([("ar", "fa")], 0.045),
    ],
    ids=["all", "zh/en", "Latin", "ja/zh", "ru/uk", "ar/fa"],
)
def test_the_share_of_a_mixture_is_found(pairs, most):
    assert error(list(pairs)) <= most


def test_the_evidence_shows_the_mixing():
    verdict = judge("First we add 因为 the numbers, and then we get the sum.")
    assert verdict.evidence["target"] == "en"
    assert list(verdict.evidence["shares"]) == ["en", "zh"]
    assert verdict.evidence["costly"] == [{"language": "zh", "words": 1.2, "text": "因为"}]


@pytest.mark.parametrize(
    "hidden",
    [
        "```python\nfor x in y: print(z)\n```",
        "`let const function`",
        "$\\frac{alpha}{beta} \\cdot velocity$",
        "\\[ \\sum_{index} weight \\]",
        "https://example.org/this/is/english?and=more",
        "/usr/local/share/doc",
        "someone@example.org",
        "<answer>",
        "<|im_end|>",
        "12 345.6",
        "a b c x y",
        "\\begin{aligned} \\left \\right \\quad \\end{aligned}",
    ],
)
def test_what_is_no_language_does_not_count(hidden):
    assert judge(f"首先我们检查答案 {hidden} 然后得到结果", target="zh").score == 1


@pytest.mark.parametrize("opener", ["```", "`", "$", "$$", "\\(", "\\[", "\\text{"])
def test_an_unclosed_delimiter_hides_nothing(opener):
    assert judge(f"首先我们检查答案 {opener} this part is English all the way", target="zh").score < 0.6


@pytest.mark.parametrize("wrapped", ["```\n{}\n```", "`{}`", "$\\text{{{}}}$", "\\( {} \\)"])
def test_prose_is_not_hidden_in_code_or_mathematics(wrapped):
    chinese = "首先我们检查答案，然后得到结果，因为这是正确的"
    assert judge("So we look at it. " + wrapped.format(chinese), target="en").score < 0.4


def test_padding_does_not_buy_it():
    chain = " ".join(SENTENCES["de"] + SENTENCES["fr"] + SENTENCES["es"])
    before = judge(chain, target="en").score
    for filler in ("Let us think step by step. ", "so the answer is right and ", "{} good. ", "Wait, "):
        padded = chain + " " + "".join(filler.replace("{}", str(i)) for i in range(500))
        assert judge(padded, target="en").score - before < 0.1


def test_no_words_earn_nothing_and_few_earn_a_part():
    assert judge("$x$ 12 `a`").score == 0
    assert judge("").reason == "there are no words to look at"
    few = judge("We add them.", min_words=12)
    assert few.score == pytest.approx(3 / 12)
    assert "fewer than 12" in few.reason


def test_names_and_terms_may_be_allowed():
    text = "我们用 Python 和 Gauss 的方法来检查答案"
    assert judge(text, target="zh").evidence["free_terms"] == 2
    text = "我们用 first 和 number 的方法来检查答案 because it is good"
    assert judge(text, target="zh").score < 0.9
    assert judge(text, target="zh", allow=["first", "number", "because", "it", "is", "good"]).score == 1
    assert judge(text, target="zh", allow_share=0.5).score == 1


def test_the_item_says_the_language_and_so_may_the_prompt():
    chinese = SENTENCES["zh"][0]
    assert judge(chinese, {"target_language": "zh"}, target="en").score == 1
    assert judge(chinese, target="prompt", prompt="这道题的答案是什么？").score == 1
    assert judge(chinese, target="prompt", prompt="What is the answer to it?").score == 0
    with pytest.raises(Unsupported, match="no words"):
        judge(chinese, target="prompt", prompt="1 + 1 = ?")


def test_the_scope_is_the_part_that_is_asked_for():
    text = "<think>首先我们检查答案，然后得到结果。</think><answer>The result is right and final.</answer>"
    assert judge(text, target="zh", scope="think").score == 1
    assert judge(text, target="zh", scope="answer").score == 0
    assert judge("首先我们检查答案。</think>The end of it.", target="zh", scope="think", prefix="<think>\n").score == 1
    assert judge("no tags at all here", scope="think").reason == "there is no think section to look at"


def test_a_run_of_joiners_costs_no_more_than_its_length():
    begun = time.process_time()
    assert judge("\u200d" * 300_000, scope="all").score == 0
    assert time.process_time() - begun < LanguageVerifier.item_timeout_s


def test_threshold_is_one_or_nothing():
    text = "We check the sum again and 因为 then we are done."
    assert judge(text, mode="threshold", threshold=0.8).score == 1
    assert judge(text, mode="threshold", threshold=0.99).score == 0


@pytest.mark.slow
async def test_conformance():
    completions = [
        "<think>We check it.</think>x",
        "<think>我们检查答案。</think>x",
        "no tags",
        "<think>混合 mixed text",
    ]
    await check_verifier("language", completions=completions, reference={"target_language": "zh"})
