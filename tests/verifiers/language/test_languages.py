import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.language.languages import CODES, meant
from reward_verifiers.verifier import Sample, Unsupported

PAGE = (Path(__file__).parents[3] / "docs" / "language.md").read_text()
UNKNOWN = {
    "sw": "Kwanza tunaiita namba hiyo x na kuandika mlinganyo. Tukihamisha sehemu tunaona jibu ni saba.",
    "cy": "Yn gyntaf rydym yn galw y rhif yn x ac yn ysgrifennu yr hafaliad. Gadewch i ni wirio eto.",
    "et": "Kõigepealt tähistame arvu tähega ja kirjutame võrrandi. Liikmeid ümber paigutades näeme, et vastus on seitse.",
    "ga": "Ar dtús tugaimid x ar an uimhir agus scríobhaimid an chothromóid. Feicimid gurb é seacht an freagra.",
    "eu": "Lehenik eta behin zenbakiari x deituko diogu eta ekuazioa idatziko dugu. Emaitza zazpi dela ikusten dugu.",
    "sq": "Së pari e quajmë numrin x dhe shkruajmë ekuacionin. Duke lëvizur termat shohim se përgjigjja është shtatë.",
    "pinyin": "women xian she zhege shu wei weizhishu, ranhou liechu fangcheng bing yixiang, dedao jieguo shi qi",
    "kk": "Алдымен санды белгісіз деп аламыз да теңдеуді жазамыз. Мүшелерді көшіріп, жауап жеті екенін көреміз.",
    "am": "መጀመሪያ ቁጥሩን x ብለን እንጠራዋለን ከዚያም እኩልታውን እንጽፋለን።",
}
TRADITIONAL = [
    "我們先設這個數為未知數，然後列出方程並移項，得到結果是七。",
    "這個專案的資料夾裡有一個檔案，點選滑鼠右鍵就可以開啟網路設定，列印文件時請注意品質。",
    "我哋而家要計呢條數，首先將兩邊都除以三，咁就會得到答案係七。",
    "裏面嘅嘢係乜嘢，我唔知道，但係你可以睇下嗰個盒，佢哋啱啱喺度。",
    "題目問的是周長還是面積？",
]


def judge(completion, target, question="", item=None, **options):
    sample = Sample(
        completion=completion,
        options=LanguageOptions(**{"target": target, "scope": "all", "min_words": 1, **options}),
        reference=LanguageReference(target_language=item),
        question=question,
    )
    return LanguageVerifier().verify(sample)


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("target", ["en", "de", "zh", "ru"])
def test_an_unknown_language_is_nobodys(name, target):
    assert judge(UNKNOWN[name], target).score <= (0.15 if target == "en" else 0.25)


@pytest.mark.parametrize("text", TRADITIONAL)
def test_traditional_chinese_is_chinese(text):
    assert judge(text, "zh").score >= 0.95
    assert judge(text, "ja").score <= 0.05


@pytest.mark.parametrize(
    ("code", "hint"), [("hr", "sh"), ("no", "nb"), ("jp", "ja"), ("cn", "zh"), ("zh-TW", "zh"), ("English", "en")]
)
def test_a_code_that_is_not_supported_names_the_one_that_is_meant(code, hint):
    with pytest.raises(ValidationError, match=f"use '{hint}'"):
        LanguageOptions(target=code)
    with pytest.raises(ValidationError, match=f"use '{hint}'"):
        LanguageReference(target_language=code)
    with pytest.raises(ValidationError, match=f"use '{hint}'"):
        LanguageOptions(candidates=[code])


@pytest.mark.parametrize("code", ["sw", "xx", "", "klingon", "english please"])
def test_a_code_of_no_supported_language_is_refused(code):
    with pytest.raises(ValidationError, match="is not supported"):
        LanguageOptions(target=code)


def test_every_code_means_itself():
    assert all(meant(code) == code for code in CODES)
    assert len(CODES) >= 45


@pytest.mark.parametrize("name", ["sw", "cy", "et", "ga", "eu", "kk", "am"])
def test_a_prompt_of_an_unknown_language_gives_no_verdict(name):
    with pytest.raises(Unsupported, match="that language is unknown"):
        judge("First we write the equation.", "prompt", question=UNKNOWN[name])


def test_a_prompt_that_is_mostly_of_nobody_gives_no_verdict():
    with pytest.raises(Unsupported):
        judge("We write it.", "prompt", question="Sa mollë i mbeten Anës pasi ha tri prej tyre?")


def test_the_last_user_turn_decides_in_a_prompt_that_is_one_string():
    prompt = (
        "<|im_start|>system\nYou are a careful assistant that thinks step by step.<|im_end|>\n"
        "<|im_start|>user\nCombien de pommes reste-t-il à Julie ?<|im_end|>\n<|im_start|>assistant\n<think>\n"
    )
    assert judge("D’abord on pose l’équation puis on la résout.", "prompt", question=prompt).score == 1


def test_single_foreign_words_count():
    mixed = "Zuerst nennen wir first die Zahl und schreiben equation die Gleichung auf. Durch the das Umstellen finden"
    assert 0.75 <= judge(mixed, "de").score <= 0.9


def test_the_page_lists_every_language():
    rows = set(re.findall(r"^\| `([a-z]{2})` \|", PAGE, re.MULTILINE))
    assert rows == set(CODES)
