"""Raw outputs of a model that runs here, for the routes of vLLM and TEI.

Both take text as it is: it goes to the model without a template and without the guard, and its special tokens are text.
They have no place for a failure beside a result, so a request with one item that has no score is refused whole.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from preference_model.backend import PreferenceBackend
from preference_model.model.scale import sigmoid
from preference_model.model.sources import Local
from preference_model.outcome import ScoreFailure
from reward_verifiers.contract import FailureKind

if TYPE_CHECKING:
    from preference_model.model.encoding import Turn

MAX_INPUTS = 1024
STATUS = {FailureKind.UNSUPPORTED: 422, FailureKind.OVERLOADED: 429}


class Refused(Exception):
    """The whole request is refused, in the words of the wire that was spoken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


Rows = tuple[list[list[float]], list[int]]


async def logits(
    backend: PreferenceBackend, model: str, conversations: list[list[Turn]], policy: str | None = None
) -> tuple[Rows, Local]:
    """Every output of the model a conversation, and the tokens of each. Raises Refused, Overloaded."""
    try:
        _, spec = backend.engine.spec(model)
    except LookupError as error:
        raise Refused(404, str(error.args[0])) from None
    if spec.ensemble or spec.upstream:
        raise Refused(422, "only a model that runs here speaks this wire")
    try:
        source = await backend.engine.source(spec)
        assert isinstance(source, Local)  # noqa: S101
        return await source.plain(conversations, policy), source
    except ScoreFailure as error:
        raise Refused(STATUS.get(error.kind, 500), error.message) from None


def activated(row: list[float]) -> list[float]:
    """Sigmoid of one output, softmax of several: what both servers do by default."""
    if len(row) == 1:
        return [sigmoid(row[0])]
    top = max(row)
    powers = [math.exp(logit - top) for logit in row]
    return [power / sum(powers) for power in powers]
