from importlib.metadata import EntryPoint

import pytest

from reward_verifiers import registry


def test_built_ins_are_registered_and_load():
    for name in registry.registered():
        assert registry.load(name).name == name


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(registry.UnknownVerifier, match=r"unknown verifier 'anwser'; installed: .*answer"):
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
