"""When to try again, and how long to wait first."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx

# Full jitter: a wait is drawn from 0 up to the smaller of LONGEST_S and FIRST_S × 2^tries.
FIRST_S = 0.25
LONGEST_S = 10.0
# Spreads those who were all told to come back at the same second.
SPREAD_S = 0.5
COME_BACK = frozenset({408, 425, 429})


def passes(status: int) -> bool:
    """The same request may be answered later."""
    return status in COME_BACK or status >= 500


def pause(tries: int, told: float | None) -> float:
    """Seconds to wait after `tries` failed ones before this; never less than the server told."""
    if told is not None:
        return told + random.uniform(0, SPREAD_S)  # noqa: S311
    return random.uniform(0, min(LONGEST_S, FIRST_S * 2 ** min(tries, 16)))  # noqa: S311


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, also where a date is given (RFC 9110); None when the header is absent or makes no sense."""
    given = headers.get("retry-after", "")
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        return max((parsedate_to_datetime(given) - datetime.now(timezone.utc)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
