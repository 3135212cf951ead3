"""The REST API."""

import logging
import re
import time
import uuid
from typing import TypeVar

from flask import Blueprint, Flask, Response, g, jsonify, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from tu_common import logs
from tu_common.health import Health
from tu_ingestion_service.errors import ApiError, Code, RefusedError, UnavailableError
from tu_ingestion_service.ingestion import Ingestion
from tu_ingestion_service.uploads import ConfirmRequest, MediaRequest, StartRequest

log = logging.getLogger(__name__)

CORRELATION_HEADER = "X-Correlation-ID"
_CORRELATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
# The largest request body is a confirm; anything near this is none of ours.
_MAX_REQUEST = 16 * 1024

T = TypeVar("T", bound=BaseModel)


def create_app(ingestion: Ingestion, health: Health) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(health.blueprint())
    app.register_blueprint(_blueprint(ingestion))
    app.before_request(_correlate)
    app.after_request(_finish)
    app.teardown_request(_forget)
    app.register_error_handler(ApiError, _answer_api_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_mistake)
    return app


def _blueprint(ingestion: Ingestion) -> Blueprint:
    api = Blueprint("uploads", __name__)

    @api.get("/health")
    def health() -> dict[str, str]:
        # The old name; what it cannot say, /health/ready does.
        return {"status": "ok"}

    @api.post("/v1/uploads/start")
    def start() -> dict[str, str]:
        return ingestion.start(_body(StartRequest), logs.correlation_id.get())

    @api.post("/v1/uploads/confirm")
    def confirm() -> tuple[dict[str, str], int]:
        ingestion.confirm(_body(ConfirmRequest))
        return {"status": "Accepted"}, 202

    @api.get("/v1/uploads/<upload_id>")
    def find(upload_id: str) -> Response:
        record = ingestion.find(upload_id).model_dump_json(exclude_none=True)
        return Response(record, content_type="application/json")

    @api.post("/v1/media/access")
    def media_access() -> dict[str, str]:
        return ingestion.media_access(_body(MediaRequest))

    return api


def _body(shape: type[T]) -> T:
    try:
        return shape.model_validate_json(request.get_data())
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'body'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise RefusedError(Code.INVALID_REQUEST, problems) from None


def _correlate() -> None:
    g.started = time.monotonic()
    given = request.headers.get(CORRELATION_HEADER)
    if given is not None and not _CORRELATION_ID.fullmatch(given):
        g.correlation_id = str(uuid.uuid4())
        g.token = logs.correlation_id.set(g.correlation_id)
        raise RefusedError(
            Code.INVALID_CORRELATION_ID,
            f"{CORRELATION_HEADER} must be 1 to 128 letters, digits or . _ : -",
        )
    g.correlation_id = given or str(uuid.uuid4())
    g.token = logs.correlation_id.set(g.correlation_id)


def _finish(response: Response) -> Response:
    response.headers[CORRELATION_HEADER] = g.correlation_id
    if not request.path.startswith(("/health", "/metrics")):
        log.info(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "milliseconds": round((time.monotonic() - g.started) * 1000),
            },
        )
    return response


def _forget(_: BaseException | None) -> None:
    if (token := g.pop("token", None)) is not None:
        logs.correlation_id.reset(token)


def _error(status: int, code: str, message: str) -> Response:
    response = jsonify({"code": code, "message": message})
    response.status_code = status
    return response


def _answer_api_error(error: ApiError) -> Response:
    response = _error(error.status, error.code, error.message)
    if isinstance(error, UnavailableError):
        log.warning("unavailable: %s", error.message, exc_info=error.__cause__)
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    codes = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}
    if status in (400, 413, 415):
        # A body that is no JSON, or too long: to the caller it is one more unusable request.
        return _error(422, Code.INVALID_REQUEST, error.description or "not a JSON body")
    code = codes.get(status, Code.INTERNAL_ERROR if status >= 500 else Code.INVALID_REQUEST)
    response = _error(status, code, error.description or str(code))
    if status == 405:
        response.headers["Allow"] = error.get_response().headers.get("Allow", "")
    return response


def _answer_mistake(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return _error(500, Code.INTERNAL_ERROR, "something went wrong in the service")
