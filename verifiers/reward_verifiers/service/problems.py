"""Errors on the wire: RFC 9457 `application/problem+json`, one table from exception to status, never an echo of the input.

HTTPProblem           what a route raises itself
BadJSON               400   the body is not strict JSON
RequestValidationError 422  its fields are not the contract's; each is named
BadOptions            422   options that the verifier's schema refuses
Overloaded            429   with Retry-After
anything else         500   our fault: logged, not shown
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ExceptionHandler

from reward_verifiers.contract import Problem, ProblemError, dotted
from reward_verifiers.service.strict_json import BadJSON
from reward_verifiers.verifier import BadOptions, Overloaded

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
MAX_KEY = 64
_TITLES = {
    400: "Malformed request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "The request did not arrive in time",
    413: "The request is too large",
    415: "Unsupported media type",
    422: "Fields that do not fit",
    429: "Too much work in flight",
    500: "Internal error",
}


class HTTPProblem(Exception):
    """The whole request fails with this status."""

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        errors: Sequence[ProblemError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.problem = Problem(
            title=title or _TITLES.get(status, "Error"), status=status, detail=detail, errors=list(errors)
        )
        self.headers = dict(headers or {})

    def response(self) -> Response:
        return Response(self.problem.model_dump_json(), self.problem.status, self.headers, MEDIA_TYPE)


def overloaded(error: Overloaded) -> HTTPProblem:
    seconds = max(1, math.ceil(error.retry_after_s))
    return HTTPProblem(429, detail=f"Try again in {seconds} s.", headers={"retry-after": str(seconds)})


def install(app: FastAPI) -> None:
    """Have the app answer every error with a problem."""
    handlers: dict[type[Exception], ExceptionHandler] = {
        HTTPProblem: _of_problem,
        BadJSON: _of_json,
        RequestValidationError: _of_fields,
        BadOptions: _of_options,
        Overloaded: _of_overload,
        HTTPException: _of_status,
        Exception: _of_bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _of_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPProblem)  # noqa: S101
    return error.response()


async def _of_json(_: Request, error: Exception) -> Response:
    return HTTPProblem(400, "Not the JSON that is read here", f"The body is refused: {error}.").response()


async def _of_fields(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = error.errors()
    errors = [_field(item["loc"], item["type"], item["msg"]) for item in faults[:MAX_ERRORS]]
    more = len(faults) - len(errors)
    return HTTPProblem(422, detail=f"{more} more fields do not fit." if more else "", errors=errors).response()


def _field(location: Sequence[int | str], kind: str, message: str) -> ProblemError:
    """Which field, and what is wrong with it. A key that the client made up is named only when it looks like a name."""
    # The first part is "body"; a union's branch ("one", "many") is not a place in the document.
    place = [part for part in location[1:] if part not in ("one", "many", "str") and not _is_type(part)]
    if kind == "extra_forbidden" and place and not _is_name(place[-1]):
        place[-1] = "<unknown key>"
    return ProblemError(path=dotted(place), reason=message.removeprefix("Value error, "))


def _is_type(part: int | str) -> bool:
    """pydantic names a union's branch like list[Message] in the location."""
    return isinstance(part, str) and part.startswith(("list[", "dict["))


def _is_name(part: int | str) -> bool:
    return isinstance(part, int) or (len(part) <= MAX_KEY and part.isascii() and part.replace("-", "_").isidentifier())


async def _of_options(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadOptions)  # noqa: S101
    errors = [ProblemError(path=f"options.{path}".rstrip("."), reason=reason) for path, reason in error.errors]
    return HTTPProblem(422, errors=errors[:MAX_ERRORS]).response()


async def _of_overload(_: Request, error: Exception) -> Response:
    assert isinstance(error, Overloaded)  # noqa: S101
    return overloaded(error).response()


async def _of_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return HTTPProblem(error.status_code, headers=error.headers).response()


async def _of_bug(_: Request, error: Exception) -> Response:
    log.error("unhandled error", exc_info=error)
    return HTTPProblem(500, detail="The cause is in the service's log.").response()
