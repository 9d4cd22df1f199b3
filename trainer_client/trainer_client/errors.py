"""What the client raises. A sample without a verdict raises nothing: that is a reward of None with its cause.

RewardError
  ├─ BadGroup          the request itself is refused (4xx, or here before it is sent); also a ValueError
  ├─ NoVerdict         with strict=True: the gateway gave no answer before the deadline
  └─ TooManyFailures   the share of samples without a verdict passed `stop_at`: the run must not go on
"""

from __future__ import annotations

# Refused for what the program is set up with (key, URL, domain, media type), and not for what one group holds.
SETUP = frozenset({401, 403, 404, 405, 415})


class RewardError(Exception):
    """Any error of this package."""


class BadGroup(RewardError, ValueError):
    """The request itself is at fault: the message names the field and the mend.

    status: the HTTP status that refused it; None when it was refused here.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_setup(self) -> bool:
        """The program is at fault, and not what one group of the data holds."""
        return self.status is None or self.status in SETUP or self.status < 400

    def __reduce__(self) -> tuple[type[BadGroup], tuple[str, int | None]]:
        return type(self), (str(self), self.status)


class NoVerdict(RewardError):
    """The whole request failed, and the client is strict."""


class TooManyFailures(RewardError):
    """Masking everything looks like a healthy loss of zero; so the run is stopped."""
