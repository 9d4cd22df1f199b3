"""Which extras `touchstone --version` calls complete."""

from email.message import Message
from importlib.metadata import Distribution

from reward_api.cli.versions import complete_extras

REQUIRES = [
    "httpx>=0.28",
    'typer>=0.20; extra == "command"',
    'no-such-package>=1; extra == "absent"',
    'touchstone-rewards[absent,command]; extra == "over"',
    'touchstone-rewards[over]; python_version > "3" and extra == "all"',
    'touchstone-rewards[bare,command]; extra == "light"',
]


class Suite(Distribution):
    requires = REQUIRES

    @property
    def metadata(self):
        message = Message()
        for name in ("command", "bare", "absent", "over", "all", "light"):
            message["Provides-Extra"] = name
        return message

    def read_text(self, filename):
        return None

    def locate_file(self, path):
        return path


def test_an_extra_is_complete_when_all_that_it_needs_is_installed():
    assert complete_extras(Suite()) == ["bare", "command", "light"]
