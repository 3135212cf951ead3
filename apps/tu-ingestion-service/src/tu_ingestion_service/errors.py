"""What a caller can be told: an HTTP status, a code from a closed list, and a sentence."""

from enum import StrEnum


class Code(StrEnum):
    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_CORRELATION_ID = "INVALID_CORRELATION_ID"
    UNSUPPORTED_CONTENT_TYPE = "UNSUPPORTED_CONTENT_TYPE"
    UPLOAD_NOT_FOUND = "UPLOAD_NOT_FOUND"
    OBJECT_NOT_FOUND = "OBJECT_NOT_FOUND"
    NOT_UPLOADED = "NOT_UPLOADED"
    TOO_LARGE = "TOO_LARGE"
    SIZE_MISMATCH = "SIZE_MISMATCH"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    CONTENT_MISMATCH = "CONTENT_MISMATCH"
    TRUNCATED = "TRUNCATED"
    ALREADY_CONFIRMED = "ALREADY_CONFIRMED"
    BROKER_UNAVAILABLE = "BROKER_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class ApiError(Exception):
    """Ends a request with this answer."""

    status = 500

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RefusedError(ApiError):
    """The request, or the picture it is about, is not as it should be."""

    status = 422


class NotFoundError(ApiError):
    status = 404


class UnavailableError(ApiError):
    """Nothing is wrong with the request: the same one may succeed in a moment."""

    status = 503
    retry_after = 2
