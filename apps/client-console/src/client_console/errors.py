"""What can go wrong, each with the exit code that a script sees."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; part of the interface, so a number never changes its meaning."""

    OK = 0
    NOT_RECOGNISED = 1
    USAGE = 2
    NOT_LOGGED_IN = 3
    FORBIDDEN = 4
    UNREACHABLE = 5
    REFUSED = 6
    INTERRUPTED = 130


class ClientError(Exception):
    """A sentence for the user that names the next step."""

    exit = Exit.REFUSED

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.exit.name
        """The platform's error code where it gave one."""


class UsageError(ClientError):
    """The request itself is wrong: a bad file, a bad setting."""

    exit = Exit.USAGE


class LoginError(ClientError):
    """There is no token, or the platform does not take it."""

    exit = Exit.NOT_LOGGED_IN


class ForbiddenError(ClientError):
    """The platform knows the user and refuses the operation."""

    exit = Exit.FORBIDDEN


class UnreachableError(ClientError):
    """The platform cannot be reached, or not trusted; asking again would change nothing."""

    exit = Exit.UNREACHABLE


class UnavailableError(UnreachableError):
    """The platform did not answer this time; an idempotent step may ask again."""


class RefusedError(ClientError):
    """The platform answered and said no."""

    exit = Exit.REFUSED
