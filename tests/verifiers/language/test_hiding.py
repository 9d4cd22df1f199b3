"""English thinking hidden before a sentence or two of the target language, and honest chains that only look like it."""

import base64
import codecs
import json
import re
from pathlib import Path

import pytest

from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.verifier import Sample

HONEST = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "language" / "honest.jsonl").read_text().splitlines()
]
ENGLISH = (
    "The train leaves the station at noon and arrives before the evening, so we have to subtract the two times. "
    "After that we divide the distance by the result and get the speed that was asked for in the problem."
)
COVER = {
    "zh": "我们先设这个数为未知数，然后列出方程并移项，得到结果是七。接着验算一下，左右两边相等，因此答案正确。",
    "ru": "Сначала обозначим число буквой и запишем уравнение. Перенося слагаемые, получаем, что ответ равен семи. "
    "Проверим ещё раз: обе части равны, значит, ответ верный.",
}
WORDS = re.findall(r"\w+", ENGLISH)
SENTENCES = ENGLISH.split(". ")
LETTERS = "".join(WORDS)
LOOK_ALIKES = str.maketrans("aceopxyBHKMT", "асеорхуВНКМТ")
BOLD = {code: 0x1D41A + code - 97 for code in range(97, 123)} | {code: 0x1D400 + code - 65 for code in range(65, 91)}
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

BRACKETED = {code: code + 0x249C - 97 for code in range(97, 123)}
REGIONAL = {code: code + 0x1F1E6 - 97 for code in range(97, 123)}


def each(pattern, between=" "):
    return between.join(pattern.format(word) for word in WORDS)


def pieces(size, pattern, between="\n"):
    return between.join(pattern.format(" ".join(WORDS[i : i + size])) for i in range(0, len(WORDS), size))


HIDDEN = {
    "plain": ENGLISH,
    "fence": f"```\n{ENGLISH}\n```",
    "fence of tildes": f"~~~\n{ENGLISH}\n~~~",
    "comments": "```python\n" + "\n".join(f"# {sentence}" for sentence in SENTENCES) + "\npass\n```",
    "short comments": "```python\n" + pieces(3, "# {}") + "\npass\n```",
    "block comment": f"```c\n/* {ENGLISH} */\n```",
    "docstring": f'```python\ndef f():\n    """{ENGLISH}"""\n```',
    "strings": "```python\nx = [" + each('"{}"', ", ") + "]\n```",
    "JSON": '```json\n{"thought": "' + ENGLISH + '"}\n```',
    "prints": "```python\n" + each('print("{}")', "\n") + "\n```",
    "inline code": f"`{ENGLISH}`",
    "each word as inline code": each("`{}`"),
    "pairs of words as inline code": pieces(2, "`{}`", " "),
    "tags": "".join(f"<{sentence}>" for sentence in SENTENCES),
    "each word a tag": each("<{}>"),
    "attributes": each('<a href="{}">'),
    "HTML comment": f"<!-- {ENGLISH} -->",
    "special tokens": each("<|{}|>"),
    "commands": each("\\{}"),
    "references": each("\\ref{{{}}}"),
    "environments": f"\\begin{{{ENGLISH[:99]}}}\\begin{{{ENGLISH[99:]}}}",
    "URL": "https://x.example/" + "-".join(WORDS),
    "URLs": each("https://x.example/{}"),
    "host": f"https://{'.'.join(WORDS)}/",
    "query": "https://x.example/?q=" + "+".join(WORDS),
    "path": "/" + "/".join(WORDS),
    "addresses": each("{}@a.bc"),
    "address domains": each("a@{}.bc"),
    "digit before each word": each("1{}"),
    "digit behind each word": each("{}1"),
    "underscores": "_".join(WORDS),
    "camel case": "".join(word.capitalize() for word in WORDS),
    "glued": LETTERS.lower(),
    "spaced letters": " ".join(LETTERS),
    "dashes between letters": "-".join(LETTERS),
    "lines of letters": "\n".join(LETTERS),
    "letters in mathematics": f"${' '.join(LETTERS)}$",
    "zero-width spaces": "\u200b".join(ENGLISH),
    "soft hyphens": "\u00ad".join(ENGLISH),
    "joiners": "\u200d".join(ENGLISH),
    "combining marks": "".join(f"{letter}\u0301" for letter in ENGLISH),
    "\\text": f"$\\text{{{ENGLISH}}}$",
    "\\text each": each("$\\text{{{}}}$"),
    "\\mathrm each": "$" + each("\\mathrm{{{}}}") + "$",
    "mathematics": f"${ENGLISH}$",
    "display": f"\\[{ENGLISH}\\]",
    "bold letters of mathematics": ENGLISH.translate(BOLD),
    "wide letters": ENGLISH.translate(WIDE),
    "look-alikes": ENGLISH.translate(LOOK_ALIKES),
    "brackets": each("[{}]"),
    "calls": each("{}()"),
    "attributes of an object": "x." + ".".join(WORDS).lower(),
    "equals signs": "=".join(WORDS),
    "capitals": ENGLISH.upper(),
    "title case": ENGLISH.title(),
    "rotated": codecs.encode(ENGLISH, "rot13"),
    "reversed": ENGLISH[::-1],
    "base64": base64.b64encode(ENGLISH.encode()).decode(),
    "hexadecimal": ENGLISH.encode().hex(),
    "digits for letters": ENGLISH.translate(str.maketrans("aeio", "4310")),
    "entities": "".join(f"&#{ord(letter)};" for letter in ENGLISH),
    "escapes": "".join(f"\\u{ord(letter):04x}" for letter in ENGLISH),
    "letters in brackets": " ".join(f"({letter})" for letter in LETTERS),
    "bracketed letters": ENGLISH.lower().translate(BRACKETED),
    "regional letters": ENGLISH.lower().translate(REGIONAL),
    "thin spaces": "\u2009".join(ENGLISH),
    "variation selectors": "\ufe0f".join(ENGLISH),
    "codes": " ".join(str(ord(letter)) for letter in ENGLISH),
    "codes in a list": "[" + ", ".join(str(ord(letter)) for letter in ENGLISH) + "]",
    "bytes": " ".join(f"{ord(letter):02x}" for letter in ENGLISH),
    "bytes with 0x": ", ".join(f"0x{ord(letter):02X}" for letter in ENGLISH),
    "octal codes": " ".join(f"{ord(letter):03o}" for letter in ENGLISH),
    "bits": " ".join(f"{ord(letter):08b}" for letter in ENGLISH),
    "escaped line ends": "\\n" + "\\n".join(WORDS),
    "escaped tabs": "\\t".join(WORDS),
    "tool output": f"<tool_response>{ENGLISH}</tool_response>",
}


def judge(completion, target, question="", **options):
    sample = Sample(
        completion=completion,
        options=LanguageOptions(target=target, scope="all", min_words=1, **options),
        reference=LanguageReference(),
        question=question,
    )
    return LanguageVerifier().verify(sample)


@pytest.mark.parametrize("target", COVER)
@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_hidden_counts(name, target):
    assert judge(f"{HIDDEN[name]} {COVER[target]}", target).score <= 0.6


@pytest.mark.parametrize("row", HONEST, ids=lambda row: f"{row['target']} {row['text'][-40:]!r}")
def test_honest_chains_are_unharmed(row):
    verdict = judge(row["text"], row["target"])
    assert verdict.score >= 0.95, verdict.evidence


@pytest.mark.parametrize(
    "numbers",
    [
        "2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103",
        " ".join(str(code) for code in range(65, 123)),
        "72 68 75 71 90 88 64 70 66 77 81 92 85 79 73 69 101 99 97 110 115 104 98 96",
        "d4 1d 8c d9 8f 00 b2 04 e9 80 09 98 ec f8 42 7e",
        "01 10 11 00 01 10 11 00 01 10 11 00 01 10 11 00",
        "0110100 1010011 1110001 0001111 1010101 0101010 1100110 0011001 1111111 0000000 1011011 1101101 1000001 "
        "0100110 1110111 0010100",
        r"$\nabla f \neq 0$, $a \times b \to \theta$, $\tan x \notin \mathbb{R}$, $\nu \rho \tau \nleq \rightleftharpoons$",
        r"一行\n二行\t三行",
    ],
)
def test_numbers_and_commands_are_no_words(numbers):
    assert judge(f"{COVER['zh']} {numbers}", "zh").score == 1


def test_names_and_terms_in_another_script_are_free_up_to_a_share():
    few = judge("我们先设这个数为未知数，然后用 BFS 遍历这个 graph，每个 node 只访问一次，得到结果是七。", "zh")
    assert few.score == 1
    assert few.evidence["free_terms"] == 3
    many = judge("我们 number 设 equation 这个 result 数 answer 为 problem 未知 unknown 数 value", "zh")
    assert many.score < 0.7


@pytest.mark.parametrize(
    "text",
    [
        "Zuerst Nennen Wir Die Zahl X Und Schreiben Die Gleichung Auf. Durch Umstellen Finden Wir Die Antwort.",
        "Women Xian She Zhege Shu Wei Weizhishu, Ranhou Liechu Fangcheng Bing Yixiang, Dedao Jieguo Shi Qi.",
        "Kõigepealt Tähistame Arvu Tähega Ja Kirjutame Võrrandi. Liikmeid Ümber Paigutades Näeme, Et Vastus On Seitse.",
    ],
)
def test_capitals_make_no_names_of_a_whole_text(text):
    assert judge(text, "en").score <= 0.15


def test_rare_words_are_free_up_to_a_share():
    few = judge("Dana sold nine hotdogs before noon, and we know that each one cost two dollars at the fair.", "en")
    assert few.score == 1
    assert few.evidence["free_terms"] == 1
    many = judge("We zzyrk the qwompf and vlixed it, then xubbed a skwarf so the prints mluvo all plurghs.", "en")
    assert many.score < 0.8


def test_left_out_words_are_reported_and_are_unknown_beyond_half():
    names = " ".join(f"obj{i}.{word}_{other}()" for i, (word, other) in enumerate(zip(WORDS, WORDS[::-1], strict=True)))
    verdict = judge("```\n" + names.replace("the_", "tok_") + "\n```\n我们先设这个数。", "zh")
    assert verdict.evidence["left_out"] > 0.5
    assert verdict.score < 0.6


def test_the_users_words_are_not_the_assistants():
    chain = f'题目说 "{ENGLISH}"，{COVER["zh"]}'
    assert judge(chain, "zh").score < 0.6
    assert judge(chain, "zh", question=ENGLISH).score == 1
    called = f"{COVER['zh']}<tool_call>x</tool_call><tool_response>{ENGLISH}</tool_response>{COVER['zh']}"
    assert judge(called, "zh").score == 1
    turns = f"{COVER['zh']}<|im_end|>\n<|im_start|>user\nGo on please.<|im_end|>\n<|im_start|>assistant\n{COVER['zh']}"
    assert judge(turns, "zh").score >= 0.97
