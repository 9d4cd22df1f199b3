"""Lists of words and codes, one file each. They are of this project."""

from importlib.resources import files


def word_list(name: str) -> list[str]:
    """The words of a list, in order."""
    return (files(__name__) / f"{name}.txt").read_text(encoding="utf-8").split()


def meanings() -> dict[str, str]:
    """What people write for a language, and the code that they mean."""
    lines = (files(__name__) / "meant.txt").read_text(encoding="utf-8").splitlines()
    return {word: code for line in lines for code, _, words in [line.partition(":")] for word in words.split()}
