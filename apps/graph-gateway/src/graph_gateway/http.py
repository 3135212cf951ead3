"""GraphQL over HTTP: graphql-server's Flask view with this gateway's tokens, limits and errors."""

import json
import logging
from collections.abc import Callable
from typing import Any

from flask import Request, Response, request
from flask.typing import ResponseReturnValue
from graphql import ExecutionResult, OperationType
from graphql_server.flask.views import GraphQLView
from graphql_server.http.exceptions import HTTPException
from werkzeug.exceptions import HTTPException as WerkzeugHTTPException

from graph_gateway import metrics
from graph_gateway.errors import ApiError, ErrorCode, RequestError
from graph_gateway.execution import Executor, response
from graph_gateway.sockets.server import (
    HandshakeError,
    SocketLimitError,
    SocketServer,
    read_handshake,
)
from graph_gateway.tokens import AuthenticationError, KeysUnavailableError, Principal

_log = logging.getLogger(__name__)


def refusal(status: int, code: ErrorCode, message: str) -> Response:
    body = json.dumps({"errors": [ApiError(code, message).formatted()]})
    return Response(body, status=status, content_type="application/json")


class GatewayView(GraphQLView[Principal, None]):
    def __init__(self, executor: Executor) -> None:
        super().__init__(schema=executor.schema, graphql_ide=None)
        self._executor = executor

    def dispatch_request(self) -> ResponseReturnValue:
        try:
            caller = self._executor.verifier.from_header(request.headers.get("Authorization"))
        except AuthenticationError as error:
            metrics.REFUSED.labels("http", "unauthenticated").inc()
            return _unauthenticated(error)
        except KeysUnavailableError:
            answer = refusal(
                503, ErrorCode.UPSTREAM_UNAVAILABLE, "Tokens cannot be checked at the moment."
            )
            answer.headers["Retry-After"] = "5"
            return answer
        try:
            return self.run(request=request, context=caller)
        except HTTPException as error:
            return refusal(error.status_code, ErrorCode.BAD_USER_INPUT, error.reason)
        except (RecursionError, UnicodeDecodeError):
            return refusal(400, ErrorCode.BAD_USER_INPUT, "The body cannot be read.")

    def parse_http_body(self, request: Any, context: Any) -> Any:
        try:
            return super().parse_http_body(request, context)
        except AttributeError:
            # The body is JSON, but a list or a plain value.
            raise HTTPException(400, "The body must be one JSON object.") from None

    def execute_operation(
        self,
        request_adapter: Any,
        request_data: Any,
        context: Any,
        root_value: Any,
        allowed_operation_types: set[OperationType],
    ) -> ExecutionResult:
        caller: Principal = context
        try:
            operation = self._executor.prepare(
                caller, request_data.query, request_data.operation_name, request_data.variables
            )
            if operation.type is OperationType.SUBSCRIPTION:
                raise RequestError.because(
                    ErrorCode.BAD_USER_INPUT,
                    "Subscriptions are served over WebSocket, subprotocol graphql-transport-ws.",
                )
        except RequestError as refused:
            return _Refused(refused)
        if operation.type not in allowed_operation_types:
            raise HTTPException(405, "Mutations are sent by POST.")
        return self._executor.run(operation, caller, request_data.variables, "http")

    def process_result(
        self, request: Request, result: ExecutionResult, strict: bool = False
    ) -> Any:
        shown = response(result)
        if isinstance(result, _Refused):
            del shown["data"]  # nothing was carried out, so there is no data to be null
        return {**shown, "__refused": result} if isinstance(result, _Refused) else shown

    def create_response(
        self, response_data: Any, sub_response: Response, is_strict: bool
    ) -> Response:
        refused = response_data.pop("__refused", None)
        answer: Response = super().create_response(response_data, sub_response, is_strict)
        if refused is not None:
            answer.status_code = refused.status(is_strict)
        return answer


class _Refused(ExecutionResult):
    """Stands for a request of which nothing was carried out."""

    def __init__(self, refused: RequestError) -> None:
        super().__init__(data=None, errors=refused.errors)
        self._codes = refused.codes

    def status(self, strict: bool) -> int:
        if self._codes == {ErrorCode.FORBIDDEN}:
            metrics.REFUSED.labels("http", "forbidden").inc()
            return 403
        # GraphQL over HTTP: application/json keeps 200 for a well-formed request that does not
        # parse as GraphQL or does not validate; application/graphql-response+json has 400.
        return 400 if strict or self._codes == {ErrorCode.BAD_USER_INPUT} else 200


def websocket_view(sockets: SocketServer) -> Callable[[], ResponseReturnValue]:
    def view() -> ResponseReturnValue:
        try:
            upgrade = read_handshake(request.environ)
            sockets.serve(request.environ, upgrade)
        except HandshakeError as error:
            _log.info("bad websocket handshake", extra={"problem": str(error)})
            return refusal(400, ErrorCode.BAD_USER_INPUT, "This is no WebSocket handshake.")
        except SocketLimitError:
            answer = refusal(
                503, ErrorCode.LIMIT_EXCEEDED, "This replica takes no more connections."
            )
            answer.headers["Retry-After"] = "1"
            return answer
        return _Done()

    return view


class _Done(Response):
    """The socket was used up; there is nothing left to answer on."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if "gunicorn.socket" in environ:
            # What gunicorn's threaded worker takes for "close the connection, no answer".
            raise StopIteration
        return super().__call__(environ, start_response)


def not_graphql(error: WerkzeugHTTPException) -> Response:
    status = error.code or 500
    code = {404: ErrorCode.NOT_FOUND}.get(
        status, ErrorCode.BAD_USER_INPUT if status < 500 else ErrorCode.INTERNAL
    )
    answer = refusal(status, code, error.name)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def broken(error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    return refusal(500, ErrorCode.INTERNAL, "Something went wrong here.")


def _unauthenticated(error: AuthenticationError) -> Response:
    answer = refusal(401, ErrorCode.UNAUTHENTICATED, error.reason)
    challenge = 'Bearer realm="graphql"'
    if not error.missing:
        challenge += f', error="invalid_token", error_description="{error.reason}"'
    answer.headers["WWW-Authenticate"] = challenge
    return answer
