"""Which program a completion holds."""

import pytest

from reward_sandbox.grading import extraction, patches
from reward_sandbox.languages.table import LANGUAGES

PYTHON = LANGUAGES["python"]
A, B = "a = 1\n", "b = 2\n"


def block(code: str, word: str = "python", mark: str = "```") -> str:
    return f"{mark}{word}\n{code}{mark}\n"


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        (block(A), A),
        (block(A, ""), A),
        (block(A, "py"), A),
        (block(A, "Python3"), A),
        (block(A, "{python}"), A),
        (block(A, "{.python .numberLines}"), A),
        (block(A, "python:main.py"), A),
        (block(A, 'python title="main.py"'), A),
        (block(A, " python"), A),
        (block(A, mark="~~~"), A),
        (block(A, mark="`````"), A),
        (block(A) + "prints\n" + block("16\n", ""), A),
        (block(A) + "prints\n" + block("16\n", "text"), A),
        (block(A, "") + "and\n" + block(B, ""), B),
        (block(A) + block(B), B),
        (block(A) + block("int main(){}\n", "c"), A),
        ("<think>" + block(B) + "</think>" + block(A), A),
        (f"<think>x</think><answer>{block(A)}</answer>", A),
        (f"<answer> ```python\n{A}``` </answer>", A),
        (f"<answer>\n```python\n{A}```</answer>", A),
        ("1. so:\n\n   ```python\n   if a:\n       b()\n   ```\n", "if a:\n    b()\n"),
        (f"- ```python\n  {A}  ```\n", A),
        (f"\t```python\n\t{A}\t```\n", A),
        ("````python\ns = '''\n```\n'''\n````\n", "s = '''\n```\n'''\n"),
        ("```python\ns = '''\n```\n'''\nprint(s)\n```\n", "s = '''\n```\n'''\nprint(s)\n"),
        ('```python\n"""Use:\n```\nf(1)\n```\n"""\nx = 1\n```\n', '"""Use:\n```\nf(1)\n```\n"""\nx = 1\n'),
        ("```python\n# ''' is a quote\n```\nmore\n", "# ''' is a quote\n"),
        ("~~~python\n```\n~~~\n", "```\n"),
        (f"The answer is <answer>```python\n{A}```</answer>", A),
        (f"Here it is:```python\n{A}```\n", A),
        ("```python\nprint(1)```\nmore\n", "print(1)\n"),
        ("```python\nprint(1)```</answer>", "print(1)\n"),
        ("```python\nprint(1)```\nprints\n```\n1\n```\n", "print(1)\n"),
        (block(A, "python3.11"), A),
        ("```python\na = 1", None),
        ("no code", None),
        ("inline ```python a = 1``` code", None),
        (block("   \n"), None),
    ],
)
def test_the_program_of_a_completion(completion, program):
    assert extraction.program(completion, PYTHON) == program


@pytest.mark.parametrize(
    ("completion", "entry", "program"),
    [
        (block("def f(): pass\n") + block("print(f())\n"), "f", "def f(): pass\n"),
        (block("def f(): pass\n") + block("def f(): return 1\n"), "f", "def f(): return 1\n"),
        (block("class Solution:\n    def f(self): pass\n") + block("Solution().f()\n"), "Solution.f", None),
        (block("def ff(): pass\n") + block("print(1)\n"), "f", "print(1)\n"),
        (block("async def f(): pass\n") + block("print(1)\n"), "f", "async def f(): pass\n"),
        (block("f = lambda: 1\n") + block("print(f())\n"), "f", "f = lambda: 1\n"),
    ],
)
def test_the_block_that_defines_what_is_asked_goes_before_one_that_uses_it(completion, entry, program):
    program = program or "class Solution:\n    def f(self): pass\n"
    assert extraction.program(completion, PYTHON, entry=entry) == program


@pytest.mark.parametrize("word", ["cpp", "c++", "C++17", "cpp20", "C++ 17", "cxx"])
def test_a_language_may_be_named_with_its_year(word):
    assert extraction.program(block("int main(){}\n", word), LANGUAGES["cpp"]) == "int main(){}\n"


def test_backticks_of_a_language_that_has_them_end_nothing():
    code = "const s = `x```\n"
    assert extraction.program(block(code, "js"), LANGUAGES["javascript"]) == code


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "```\n",
        "```python\n'''\n" + "```\n",
        "<a>",
        " " * 10,
        "```python\n",
        "1. ",
        "a```python\n",
        "a```\n",
        "```python\na```",
        '"""\n```\n',
    ],
)
def test_reading_a_hostile_completion_is_linear(text):
    extraction.program(text * (1_000_000 // len(text)), PYTHON)


DIFF = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
OTHER = DIFF.replace("m.py", "n.py")
MARKDOWN = '--- a/r.md\n+++ b/r.md\n@@ -1,3 +1,4 @@\n ```python\n+"""\n x\n ```\n'
PATCHES = {
    "a block": (f"```diff\n{DIFF}```", DIFF),
    "another name": (f"Here:\n~~~patch\n{DIFF}~~~\nDone.", DIFF),
    "no name": (f"```\n{DIFF}```", DIFF),
    "bare": (f"I fix it.\n\n{DIFF}", DIFF),
    "in an answer": (f"<think>x</think><answer>\n{DIFF}</answer>", DIFF),
    "a block in an answer": (f"<think>x</think><answer>\n```diff\n{DIFF}```\n</answer>", DIFF),
    "two files": (f"```diff\n{DIFF}```\nand\n```diff\n{OTHER}```", f"{DIFF}\n{OTHER}"),
    "one file twice": (f"```diff\n{DIFF}```\nbetter:\n```diff\n{DIFF.replace('2', '3')}```", DIFF.replace("2", "3")),
    "fences within": (f"```diff\n{MARKDOWN}```\n", MARKDOWN),
    "only thought": (f"<think>```diff\n{DIFF}```</think>no", None),
    "no end of thinking": (f"<think>```diff\n{DIFF}```", None),
    "prose": ("I would change x to 2.", None),
    "code without a path": ("```python\nx = 2\n```", None),
    "a path behind the fence": ("```python:pkg/m.py\nx = 2\n```", '{"pkg/m.py": "x = 2\\n"}'),
    "a path as a title": ('```python title="m.py"\nx = 2\n```', '{"m.py": "x = 2\\n"}'),
    "a path before": ("### `pkg/m.py`\n\n```python\nx = 2\n```", '{"pkg/m.py": "x = 2\\n"}'),
    "a path in bold": ("**m.py**\n```python\nx = 2\n```", '{"m.py": "x = 2\\n"}'),
    "File:": ("File: m.py\n```python\nx = 2\n```", '{"m.py": "x = 2\\n"}'),
    "two whole files": ("m.py\n```\na\n```\nn.py\n```\nb\n```", '{"m.py": "a\\n", "n.py": "b\\n"}'),
    "a path in a sentence": ("I run python m.py to see that all is well:\n```python\nx = 2\n```", None),
}


@pytest.mark.parametrize("case", PATCHES)
def test_the_patch_of_a_completion(case):
    completion, expected = PATCHES[case]
    assert patches.patch(completion) == expected


@pytest.mark.slow
def test_a_patch_is_looked_for_in_linear_time():
    for text in ("```diff\n", "--- a\n", "@@ -1 +1 @@\n", "a/" * 50 + "\n", "a.b ", "### a.py\n```\n"):
        patches.patch(text * (1_000_000 // len(text)))
