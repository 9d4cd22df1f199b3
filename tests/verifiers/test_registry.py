import sys
from importlib.metadata import EntryPoint

import pytest

from reward_verifiers import registry


def test_built_ins_are_registered_and_load():
    for name in registry.registered():
        assert registry.load(name).name == name


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(registry.UnknownVerifier, match="unknown verifier 'anwser'; did you mean 'answer'"):
        registry.load("anwser")


@pytest.mark.parametrize("name", ["no_such_module:Verifier", "toys:NoSuchClass", "toys:Sample", "pathlib:Path"])
def test_what_is_not_a_verifier_is_refused(name):
    with pytest.raises(registry.BrokenVerifier):
        registry.load(name)


def test_a_class_that_is_not_registered_loads_by_its_path():
    assert registry.load("toys:Toy").name == "toy"


def test_two_packages_with_one_name_are_an_error(monkeypatch):
    points = [EntryPoint("answer", value, registry.GROUP) for value in ("one:A", "two:B")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(ValueError, match="'answer' is claimed twice: one:A, two:B"):
        registry.registered()


def write(folder, text):
    path = folder / "mine_own.py"
    path.write_text(text)
    return path


VERIFIER = """\
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Verifier

class Mine(Verifier):
    name, version = "mine", "1"

    def verify(self, sample):
        return Verdict.scored(1, "yes")
"""


@pytest.fixture
def forgotten(monkeypatch):
    """Modules of one test are not those of the next."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("mine_own", None)


def test_a_file_is_the_verifier_in_it(tmp_path, forgotten):
    path = write(tmp_path, VERIFIER)
    assert registry.named("answer") == "answer"
    assert registry.named("http://127.0.0.1:1") == "http://127.0.0.1:1"
    assert registry.named(f"{path}:Mine") == "mine_own:Mine"
    assert registry.named(str(path)) == "mine_own:Mine"
    assert registry.load("mine_own:Mine").name == "mine"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n", "holds 0 verifiers: write a class derived from Verifier"),
        (VERIFIER + "\nclass Other(Mine): pass\n", "holds 2 verifiers: write .*mine_own.py:Mine, .*mine_own.py:Other"),
        ("import nothing_here\n", "cannot be imported: No module named 'nothing_here'"),
    ],
)
def test_a_file_that_holds_no_one_verifier_says_so(tmp_path, forgotten, text, reason):
    with pytest.raises(registry.BrokenVerifier, match=reason):
        registry.named(str(write(tmp_path, text)))


def test_what_is_no_name_says_how_to_write_it(tmp_path, forgotten):
    with pytest.raises(registry.BrokenVerifier, match="no such file"):
        registry.named("./nowhere.py:Mine")
    with pytest.raises(registry.BrokenVerifier, match="write module:Class, such as brevity:Brevity"):
        registry.load("./mine own:Mine")
    write(tmp_path, "x = 1\ny = z\n")
    sys.path.insert(0, str(tmp_path))
    with pytest.raises(registry.BrokenVerifier, match=r"mine_own\.py:2: NameError: name 'z' is not defined"):
        registry.load("mine_own:Mine")
