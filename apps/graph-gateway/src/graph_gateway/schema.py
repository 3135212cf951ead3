"""The schema of ``schema.graphql`` with its resolvers."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    assert_valid_schema,
    build_schema,
)

from graph_gateway.events import EventHub, Interest, Kind, Subscription
from graph_gateway.service import Uploads
from graph_gateway.tokens import Principal


@dataclass(frozen=True)
class Context:
    """What resolvers work with."""

    caller: Principal
    uploads: Uploads
    hub: EventHub


def sdl() -> str:
    return resources.files("graph_gateway").joinpath("schema.graphql").read_text("utf-8")


def build() -> GraphQLSchema:
    schema = build_schema(sdl())
    for name, resolve in (("ping", _ping),):
        _root(schema.query_type).fields[name].resolve = resolve
    mutations = {
        "startUpload": _start_upload,
        "confirmUpload": _confirm_upload,
        "requestAnalysis": _request_analysis,
    }
    for name, field in _root(schema.mutation_type).fields.items():
        field.resolve = mutations[name]
    for name, field in _root(schema.subscription_type).fields.items():
        field.subscribe = _subscribe(Kind(name))
    assert_valid_schema(schema)
    return schema


def _root(found: GraphQLObjectType | None) -> GraphQLObjectType:
    if found is None:
        raise ValueError("schema.graphql lacks a root type")
    return found


def _ping(_root: Any, _info: GraphQLResolveInfo) -> str:
    return "pong"


def _start_upload(
    _root: Any,
    info: GraphQLResolveInfo,
    filename: str,
    contentType: str,  # noqa: N803 - the schema's name
) -> dict[str, Any]:
    context: Context = info.context
    return context.uploads.start(context.caller, filename, contentType)


def _confirm_upload(
    _root: Any,
    info: GraphQLResolveInfo,
    uploadId: str,  # noqa: N803 - the schema's name
    bytes: int,
    checksum: str,
) -> dict[str, Any]:
    context: Context = info.context
    return context.uploads.confirm(context.caller, uploadId, bytes, checksum)


def _request_analysis(
    _root: Any,
    info: GraphQLResolveInfo,
    objectKey: str,  # noqa: N803 - the schema's name
) -> dict[str, Any]:
    context: Context = info.context
    return context.uploads.request_analysis(context.caller, objectKey)


def _subscribe(kind: Kind) -> Any:
    def subscribe(
        _root: Any,
        info: GraphQLResolveInfo,
        correlationId: str | None = None,  # noqa: N803 - the schema's name
        objectKey: str | None = None,  # noqa: N803 - the schema's name
    ) -> Subscription:
        context: Context = info.context
        return context.hub.subscribe(
            Interest(kind, context.caller.subject, correlationId, objectKey)
        )

    return subscribe
