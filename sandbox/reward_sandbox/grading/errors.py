"""Why an item has no verdict."""

from __future__ import annotations


class SandboxFailed(RuntimeError):
    """A run came to no end of its own, by a failure of ours; the message says which."""


class CheckerFailed(RuntimeError):
    """The data set's checker does not do its work; the program is not to blame."""


class BadItem(ValueError):
    """The item cannot be graded, and its program is not to blame; the message names the field and the mend."""


class Unsupported(LookupError):
    """What the item demands is not here: a language, a library, an assurance."""
