"""`touchstone show` and `touchstone diff` through the real command, on files that `touchstone score` wrote."""

import json
import re

import pytest

pytestmark = pytest.mark.slow
# Select Graphic Rendition with a colour among its numbers.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)[;\d]*m")


def reply(score, reason="why", **evidence):
    part = {"score": score, "weight": 1.0, "valid": score is not None, "failure": None, "reason": reason}
    failure = None if score is not None else {"kind": "timeout", "component": "answer", "message": "late"}
    return {
        "reward": score,
        "valid": score is not None,
        "failure": failure,
        "components": {"answer": {**part, "failure": failure, "evidence": evidence}},
        "flags": [],
    }


def line(number, row, *results, **more):
    return {
        "line": number,
        "digest": "d",
        "input": row,
        "domain": "math",
        "version": "sha256:1",
        "results": results,
        **more,
    }


LINES = [
    line(
        1,
        {"completions": ["so \\boxed{4}", "is it [4]? no, [5]", "4", "4"], "prompt": "p", "source": "a"},
        reply(1.0, "equal", extracted="4", canonical="4"),
        reply(0.0, "different numbers", extracted="[5]", canonical="5"),
        reply(1.0, "equal", extracted="4", canonical="4"),
        reply(None, "gave up"),
    ),
    line(
        2,
        {"responses": ["5", "6", "7"], "prompt": "q", "source": "b"},
        reply(0.0, "different numbers", canonical="5"),
        reply(0.0, "different numbers", canonical="6"),
        reply(1.0, "equal", canonical="7"),
    ),
    {"line": 3, "input": {"x": 1}, "error": {"title": "no completions"}},
]


def write(path, lines):
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return path


@pytest.fixture
def scored(tmp_path):
    return write(tmp_path / "s.jsonl", LINES)


def test_figures_reasons_and_the_worst_with_their_texts(touchstone, scored):
    done = touchstone("show", scored, "--worst", 1)
    assert done.returncode == 0, done.stderr
    for text in ("1 of 3", "no completions", "different numbers", "pass@1", "pass@2", "cons@3"):
        assert text in done.stdout
    assert "is it [4]? no, [5]" in done.stdout
    assert "line 1, completion 2: reward 0" in done.stdout
    assert "so \\boxed" not in done.stdout


def test_the_figures_are_those_of_the_groups(touchstone, scored):
    document = json.loads(touchstone("show", scored, "--json", "--by", "source").stdout)
    # Line 1: 2 of 3 with a verdict are right; line 2: 1 of 3.
    assert document["estimates"] == {
        "pass@1": pytest.approx((2 / 3 + 1 / 3) / 2),
        "pass@2": pytest.approx((1 + (1 - 1 / 3)) / 2),
        "cons@3": pytest.approx((1 + 1 / 3) / 2),
    }
    assert document["completions"] == 7
    assert document["refused"] == {"lines": 1, "reasons": {"no completions": 1}}
    assert {"component": "answer", "reason": "different numbers", "count": 3} in document["reasons"]
    assert document["by"]["b"] == {
        "completions": 3,
        "pass_rate": pytest.approx(1 / 3),
        "mean_reward": pytest.approx(1 / 3),
    }


@pytest.mark.parametrize(
    ("filters", "places"),
    [
        (["answer=0"], [(1, 1), (2, 0), (2, 1)]),
        (["answer=0", "source=b"], [(2, 0), (2, 1)]),
        (["reward>=1", "line!=2"], [(1, 0), (1, 2)]),
        (["failure=timeout"], [(1, 3)]),
        (["reward=null"], [(1, 3)]),
        (["reward<0"], []),
        (["nothing=1"], []),
    ],
)
def test_filters(touchstone, scored, filters, places):
    options = [part for text in filters for part in ("--where", text)]
    document = json.loads(touchstone("show", scored, "--json", "--worst", 9, *options).stdout)
    assert sorted((one["line"], one["index"]) for one in document["worst"]) == places


def test_a_page_of_its_own(touchstone, scored, tmp_path):
    row = {"completions": ["<script>alert(1)</script> [bold]4[/bold]"]}
    write(scored, [line(1, row, reply(0.0, "wrong", extracted="4"))])
    done = touchstone("show", scored, "--html", "page.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [bold]" in page
    assert "src=" not in page
    assert "href=" not in page


def test_another_file_is_named(touchstone, tmp_path):
    write(tmp_path / "x.jsonl", [{"mine": 1}])
    done = touchstone("show", "x.jsonl")
    assert (done.returncode, "line 1 was not written by touchstone score" in done.stderr) == (2, True)
    write(tmp_path / "x.jsonl", LINES)
    assert "write name=value" in touchstone("show", "x.jsonl", "--where", "answer").stderr
    assert "--component form: there are: answer" in touchstone("show", "x.jsonl", "--component", "form").stderr


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m [bold]4[/bold] [/x] \u202eevil\u2028"
ESCAPED = r"\x1b]0;owned\x07\x1b[2J\x9b31m [bold]4[/bold] [/x] \u202eevil\u2028"


def test_a_completion_that_orders_the_terminal_is_only_shown(touchstone, scored, tmp_path):
    row = {"completions": [HOSTILE], "source": HOSTILE}
    write(scored, [line(1, row, reply(0.0, HOSTILE, extracted="4")), {"line": 2, "error": {"title": HOSTILE}}])
    write(tmp_path / "t.jsonl", [line(1, row, reply(1.0, HOSTILE, extracted="[/x]"))])
    for arguments in (("show", scored, "--by", "source"), ("diff", scored, "t.jsonl")):
        done = touchstone(*arguments, COLUMNS="400")
        assert ESCAPED in done.stdout, done.stderr
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.stdout)


def test_colours_on_a_terminal_unless_the_user_wants_none(terminal, scored):
    status, text = terminal("score", "--help")
    assert (status, bool(COLOUR.search(text))) == (0, True), text
    for arguments in (("score", "--help"), ("score", "--nothing"), ("show", scored, "--json"), ("domains", "list")):
        _, text = terminal(*arguments, NO_COLOR="1")
        assert text
        assert not COLOUR.search(text), text


# --- diff -------------------------------------------------------------------------------------------------------------


def test_every_flip_with_both_reasons(touchstone, scored, tmp_path):
    after = json.loads(json.dumps(LINES))
    results = after[0]["results"]
    results[0], results[1], results[2], results[3] = (
        reply(0.0, "now wrong"),
        reply(1.0),
        reply(None, "gave up"),
        reply(1.0),
    )
    after[1]["results"][0]["reward"] = 0.5
    write(tmp_path / "t.jsonl", after)
    done = touchstone("diff", scored, "t.jsonl")
    assert done.returncode == 1
    for text in ("5 of 7", "right → wrong", "wrong → right", "right → no verdict", "no verdict → right", "reward"):
        assert text in done.stdout
    flips = json.loads(touchstone("diff", scored, "t.jsonl", "--json").stdout)
    assert flips[0] == {
        "flip": "right → wrong",
        "line": 1,
        "index": 0,
        "text": "so \\boxed{4}",
        "before": {"reward": 1.0, "score": 1.0, "reason": "equal"},
        "after": {"reward": 0.0, "score": 0.0, "reason": "now wrong"},
    }
    assert [flip["flip"] for flip in flips[1:]] == [
        "wrong → right",
        "right → no verdict",
        "no verdict → right",
        "reward",
    ]


def test_the_flips_as_a_page_of_their_own(touchstone, scored, tmp_path):
    row = {"completions": ["<b>{4}</b>"]}
    write(scored, [line(1, row, reply(0.0, "wrong {so}"))])
    write(tmp_path / "<i>{t}.jsonl", [line(1, row, reply(1.0, "right"))])
    done = touchstone("diff", scored, "<i>{t}.jsonl", "--html", "page.html")
    assert done.returncode == 1, done.stderr
    page = (tmp_path / "page.html").read_text()
    for text in ("&lt;b&gt;{4}&lt;/b&gt;", "wrong {so}", "<title>s.jsonl → &lt;i&gt;{t}.jsonl</title>"):
        assert text in page
    assert "<b>" not in page
    done = touchstone("diff", scored, "<i>{t}.jsonl", "--html", "nowhere/page.html")
    assert (done.returncode, "--html nowhere/page.html: No such file or directory" in done.stderr) == (2, True)


def test_no_flip_and_other_rollouts(touchstone, scored, tmp_path):
    assert touchstone("diff", scored, scored).returncode == 0
    for change in (lambda rows: rows[:1], lambda rows: [rows[0], {**rows[1], "input": {"responses": ["5", "6", "8"]}}]):
        write(tmp_path / "t.jsonl", change(LINES))
        for pair in ((scored, "t.jsonl"), ("t.jsonl", scored)):
            done = touchstone("diff", *pair)
            assert (done.returncode, "not of the same rollouts" in done.stderr) == (2, True)
