"""The closed list of error codes, and how errors look to a client.

A client sees a code and a sentence that is meant for it; everything else stays in the log.
"""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

_log = logging.getLogger(__name__)


class ErrorCode(StrEnum):
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ApiError(Exception):
    """An error whose text is meant for the client."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def formatted(self) -> dict[str, Any]:
        return {"message": self.message, "extensions": {"code": self.code.value}}


class RequestError(Exception):
    """The request as a whole is refused before any of it is carried out."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = list(errors)

    @classmethod
    def because(cls, code: ErrorCode, message: str) -> "RequestError":
        return cls([coded(GraphQLError(message), code)])

    @property
    def codes(self) -> set[str]:
        return {code_of(error).value for error in self.errors}


def coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code.value}
    return error


def code_of(error: GraphQLError) -> ErrorCode:
    known = (error.extensions or {}).get("code")
    if isinstance(known, str) and known in ErrorCode.__members__:
        return ErrorCode(known)
    cause = _cause(error)
    if isinstance(cause, ApiError):
        return cause.code
    if isinstance(error, GraphQLSyntaxError):
        return ErrorCode.GRAPHQL_PARSE_FAILED
    # What graphql-core itself says without a cause is about the variables or the operation's name.
    return ErrorCode.BAD_USER_INPUT if cause is None else ErrorCode.INTERNAL


def formatted(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    return [_formatted(error) for error in errors]


def _formatted(error: GraphQLError) -> dict[str, Any]:
    code = code_of(error)
    message = error.message
    if code is ErrorCode.INTERNAL:
        _log.error("an operation failed", exc_info=_cause(error) or error)
        message = "Something went wrong here; the operation was not completed."
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = error.path
    shown["extensions"] = {"code": code.value}
    return shown


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
