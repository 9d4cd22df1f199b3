from pathlib import Path

import pytest

from reward_api.domains.live import files
from reward_api.domains.spec import BadDomain, parse, read, version_of

SHIPPED = Path(__file__).parents[3] / "reward_api" / "reward_api" / "domains" / "data"


@pytest.mark.parametrize("path", files(SHIPPED), ids=lambda path: path.stem)
def test_shipped_domains_parse(path):
    assert read(path).components


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "components"),
        ({"components": []}, "components"),
        ({"components": [{"verifier": "answer", "wieght": 2}]}, "components[0].wieght"),
        ({"components": [{"verifier": "answer", "weight": float("nan")}]}, "components[0].weight"),
        ({"components": [{"verifier": "answer"}], "combine": "mean"}, "combine"),
        ({"components": [{"verifier": "answer"}], "deadline_s": 0}, "deadline_s"),
        ({"components": [{"verifier": "a"}], "verifiers": {"a": {"url": "file:///etc/passwd"}}}, "verifiers.a.url"),
        ({"components": [{"verifier": "a"}], "verifiers": {"a": {"url": "ftp://host"}}}, "verifiers.a.url"),
        ("not a mapping", ""),
    ],
)
def test_a_bad_domain_names_the_key(data, path):
    with pytest.raises(BadDomain) as caught:
        parse(data)
    assert path in [where for where, _ in caught.value.errors]


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ([{"verifier": "a"}, {"verifier": "a"}], "stands twice"),
        ([{"verifier": "a", "requires": ["b"]}], "components[0].requires: no component is named 'b'"),
        ([{"verifier": "a", "after": ["b"]}, {"verifier": "b"}], "no earlier component is named 'b'"),
    ],
)
def test_names_must_fit(components, reason):
    with pytest.raises(BadDomain, match=reason.replace("[", r"\[").replace("]", r"\]")):
        parse({"components": components})


def test_one_verifier_may_stand_twice_under_two_names():
    domain = parse({"components": [{"verifier": "p", "name": "helpful"}, {"verifier": "p", "name": "safe"}]})
    assert [component.key for component in domain.components] == ["helpful", "safe"]


def test_a_file_that_is_not_yaml_is_refused(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("components: [\n  {verifier: answer\n")
    with pytest.raises(BadDomain, match="not valid YAML in line"):
        read(path)


def test_yaml_cannot_run_code(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(BadDomain, match="not valid YAML"):
        read(path)


def test_the_version_follows_what_decides_rewards():
    one, other = (parse({"components": [{"verifier": "answer", "weight": weight}]}) for weight in (1, 2))
    here, there = {"answer": "in-process"}, {"answer": "http://answer:8001"}
    described = {"answer": None}
    versions = {version_of(one, here, described), version_of(other, here, described), version_of(one, there, described)}
    assert len(versions) == 3
    assert version_of(one, here, described) in versions


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ["the file is empty"]),
        ("# nothing but a comment\n", ["the file is empty"]),
        ("- verifier: answer\n", ["it must hold `key: value` lines, not a list"]),
        ("components: [{verifer: answer}]", ["components[0].verifer: unknown key; did you mean 'verifier'? (line 1)"]),
        ("component: [{verifier: a}]", ["component: unknown key; did you mean 'components'? (line 1)"]),
        (
            "components:\n  - verifier: a\n    wieght: 2\ndeadline: 3\n",
            [
                "components[0].wieght: unknown key; did you mean 'weight'? (line 3)",
                "deadline: unknown key; did you mean 'deadline_s'? (line 4)",
            ],
        ),
        (
            "verifiers: {a: {link: 'http://a'}}\ncomponents: [{verifier: a}]",
            ["verifiers.a.link: unknown key; there are: url (line 1)"],
        ),
        (
            "components: [{verifier: a, requires: b}]",
            ["components[0].requires: must be a list, such as [a, b] (line 1)"],
        ),
        ("components: [answer]", ["components[0]: must be a mapping, such as {key: value} (line 1)"]),
        ("components: [{verifier: a, weight: 1, weight: 2}]", ["weight: the key stands twice", "line 1, column 39"]),
        ("components:\n\t- verifier: a\n", ["line 2, column 1", "cannot start any token, indent with spaces"]),
        ("components:\n  - verifier: a\n weight: 1\n", ["line 3, column 2", "expected <block end>", "`weight: 1`"]),
    ],
)
def test_a_bad_file_says_where_and_what_was_meant(text, reasons):
    with pytest.raises(BadDomain) as caught:
        read(text.encode())
    for reason in reasons:
        assert reason in str(caught.value)
    assert "is missing" not in str(caught.value)
