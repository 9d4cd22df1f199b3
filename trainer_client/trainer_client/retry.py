"""When to try again, and how long to wait first."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx

# Full jitter: a wait is drawn from 0 up to the smaller of LONGEST_S and FIRST_S × 2^tries.
FIRST_S = 0.25
LONGEST_S = 10.0
# Spreads clients that all got the same Retry-After.
SPREAD_S = 0.5
RETRIED = frozenset({408, 425, 429})


def may_pass(status: int) -> bool:
    """The same request may be answered later."""
    return status in RETRIED or status >= 500


def pause(tries: int, retry_after_s: float | None) -> float:
    """Seconds to wait after the failed try number `tries`, from 0; never less than the server's Retry-After."""
    if retry_after_s is not None:
        return retry_after_s + random.uniform(0, SPREAD_S)  # noqa: S311
    return random.uniform(0, min(LONGEST_S, FIRST_S * 2 ** min(tries, 16)))  # noqa: S311


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, also of a date (RFC 9110); None when the header is absent or makes no sense."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max((parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
