"""Carrying out prepared operations, the same over HTTP and WebSocket."""

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute_sync,
    subscribe,
)

from graph_gateway import metrics
from graph_gateway.documents import Documents, Operation
from graph_gateway.errors import ErrorCode, RequestError, code_of, coded, formatted
from graph_gateway.events import EventHub
from graph_gateway.schema import Context
from graph_gateway.service import Uploads
from graph_gateway.tokens import Principal, TokenVerifier

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Executor:
    schema: GraphQLSchema
    documents: Documents
    verifier: TokenVerifier
    uploads: Uploads
    hub: EventHub

    def prepare(
        self, caller: Principal, query: Any, operation_name: Any = None, variables: Any = None
    ) -> Operation:
        """An operation that ``caller`` may have carried out; ``RequestError`` says why not."""
        if variables is not None and not isinstance(variables, dict):
            raise RequestError.because(ErrorCode.BAD_USER_INPUT, "variables must be a JSON object.")
        operation = self.documents.prepare(query, operation_name)
        if operation.needs_scope and not self.verifier.in_scope(caller):
            raise RequestError.because(
                ErrorCode.FORBIDDEN, "The token does not carry the scope that this needs."
            )
        return operation

    def run(
        self,
        operation: Operation,
        caller: Principal,
        variables: dict[str, Any] | None,
        transport: str,
    ) -> ExecutionResult:
        """A query or mutation."""
        begun = time.perf_counter()
        result = execute_sync(
            self.schema,
            operation.document,
            context_value=Context(caller, self.uploads, self.hub),
            variable_values=variables,
            operation_name=operation.name,
        )
        seconds = time.perf_counter() - begun
        outcome = code_of(result.errors[0]).value if result.errors else "ok"
        for field in operation.fields:
            metrics.OPERATIONS.labels(transport, field, outcome).inc()
            metrics.OPERATION_SECONDS.labels(field).observe(seconds)
        _log.info(
            "operation",
            extra={
                "transport": transport,
                "operation": operation.type.value,
                "fields": ",".join(operation.fields),
                "outcome": outcome,
                "seconds": round(seconds, 4),
                "subject": caller.subject,
            },
        )
        return result

    async def follow(
        self, operation: Operation, caller: Principal, variables: dict[str, Any] | None
    ) -> AsyncIterator[ExecutionResult]:
        """A subscription's stream; ``RequestError`` where there is none to be had."""
        if operation.type is not OperationType.SUBSCRIPTION:
            raise TypeError("only subscriptions are followed")
        source = await subscribe(
            self.schema,
            operation.document,
            context_value=Context(caller, self.uploads, self.hub),
            variable_values=variables,
            operation_name=operation.name,
        )
        if isinstance(source, ExecutionResult):
            raise RequestError(source.errors or [])
        for field in operation.fields:
            metrics.OPERATIONS.labels("websocket", field, "subscribed").inc()
        return source


def response(result: ExecutionResult) -> dict[str, Any]:
    """A result as it goes over the wire."""
    shown: dict[str, Any] = {}
    if result.errors:
        shown["errors"] = formatted(result.errors)
    shown["data"] = result.data
    return shown


def internal(error: BaseException) -> GraphQLError:
    cause = error if isinstance(error, Exception) else None
    return coded(
        GraphQLError("The operation was not completed.", original_error=cause), ErrorCode.INTERNAL
    )
