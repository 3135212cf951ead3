"""From the text of a request to an operation that may be carried out.

Size, depth, aliases and the number of fields are limited: what a request costs must not depend on
who wrote it. Prepared operations are cached, for clients send the same few texts all day.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)

from graph_gateway.errors import ErrorCode, RequestError, coded

SCOPE_DIRECTIVE = "apiScope"


@dataclass(frozen=True)
class Limits:
    max_characters: int = 16_384
    max_tokens: int = 2_000
    max_depth: int = 8
    max_aliases: int = 15
    max_fields: int = 400
    introspection: bool = True


@dataclass(frozen=True)
class Operation:
    document: DocumentNode
    type: OperationType
    name: str | None
    fields: tuple[str, ...]
    """The root fields that it asks for."""
    needs_scope: bool


@dataclass(frozen=True)
class _Size:
    depth: int = 0
    aliases: int = 0
    fields: int = 0


class Documents:
    def __init__(self, schema: GraphQLSchema, limits: Limits, cached: int = 256) -> None:
        self._schema = schema
        self._limits = limits
        self._cache: OrderedDict[tuple[str, str | None], Operation] = OrderedDict()
        self._cached = cached
        self._lock = threading.Lock()

    def prepare(self, query: Any, operation_name: Any = None) -> Operation:
        """Parse, validate and measure; ``RequestError`` says why not."""
        if not isinstance(query, str) or not query.strip():
            raise RequestError.because(ErrorCode.BAD_USER_INPUT, "The request has no query.")
        if operation_name is not None and not isinstance(operation_name, str):
            raise RequestError.because(ErrorCode.BAD_USER_INPUT, "operationName must be a string.")
        if len(query) > self._limits.max_characters:
            raise RequestError.because(
                ErrorCode.GRAPHQL_VALIDATION_FAILED,
                f"The query is longer than {self._limits.max_characters} characters.",
            )
        key = (query, operation_name)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        try:
            operation = self._prepared(query, operation_name)
        except RecursionError:
            raise RequestError.because(
                ErrorCode.GRAPHQL_VALIDATION_FAILED, "The query is nested too deeply."
            ) from None
        with self._lock:
            self._cache[key] = operation
            if len(self._cache) > self._cached:
                self._cache.popitem(last=False)
        return operation

    def _prepared(self, query: str, operation_name: str | None) -> Operation:
        try:
            document = parse(query, no_location=False, max_tokens=self._limits.max_tokens)
        except GraphQLError as error:
            raise RequestError([coded(error, ErrorCode.GRAPHQL_PARSE_FAILED)]) from None
        rules = [*specified_rules]
        if not self._limits.introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        errors = validate(self._schema, document, rules, max_errors=20)
        if errors:
            raise RequestError(
                [coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors]
            )
        node = get_operation_ast(document, operation_name)
        if node is None:
            raise RequestError.because(
                ErrorCode.BAD_USER_INPUT,
                "operationName must name one of the operations in the query.",
            )
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._measure(node, fragments)
        fields = tuple(dict.fromkeys(_root_fields(node.selection_set, fragments)))
        return Operation(
            document=document,
            type=node.operation,
            name=operation_name,
            fields=fields,
            needs_scope=any(self._scoped(node, name) for name in fields),
        )

    def _scoped(self, node: OperationDefinitionNode, field: str) -> bool:
        root = self._schema.get_root_type(node.operation)
        definition = root.fields.get(field) if isinstance(root, GraphQLObjectType) else None
        if definition is None or definition.ast_node is None:
            return False
        return any(item.name.value == SCOPE_DIRECTIVE for item in definition.ast_node.directives)

    def _measure(
        self, node: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
    ) -> None:
        size = _size(node.selection_set, fragments, {})
        for what, is_, limit in (
            ("levels deep", size.depth, self._limits.max_depth),
            ("aliases", size.aliases, self._limits.max_aliases),
            ("fields", size.fields, self._limits.max_fields),
        ):
            if is_ > limit:
                raise RequestError.because(
                    ErrorCode.GRAPHQL_VALIDATION_FAILED,
                    f"The operation is too large: {is_} {what}, {limit} are allowed.",
                )


def _size(
    selection_set: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    known: dict[str, _Size],
) -> _Size:
    """What the selection comes to with its fragments expanded.

    Validation has refused cycles of fragments. Each fragment is measured once, so that fragments
    which double at every level cost nothing to measure.
    """
    depth = aliases = fields = 0
    for selection in selection_set.selections if selection_set else ():
        if isinstance(selection, FieldNode):
            inner = _size(selection.selection_set, fragments, known)
            # The depth of introspection is limited by a validation rule of its own.
            below = 0 if selection.name.value.startswith("__") else inner.depth
            size = _Size(1 + below, inner.aliases + bool(selection.alias), inner.fields + 1)
        elif isinstance(selection, InlineFragmentNode):
            size = _size(selection.selection_set, fragments, known)
        else:
            assert isinstance(selection, FragmentSpreadNode)  # noqa: S101 - there is no fourth kind
            name = selection.name.value
            if name not in known:
                known[name] = _size(fragments[name].selection_set, fragments, known)
            size = known[name]
        depth = max(depth, size.depth)
        aliases += size.aliases
        fields += size.fields
    return _Size(depth, aliases, fields)


def _root_fields(
    selection_set: SelectionSetNode,
    fragments: dict[str, FragmentDefinitionNode],
    seen: frozenset[str] = frozenset(),
) -> Iterator[str]:
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, InlineFragmentNode):
            yield from _root_fields(selection.selection_set, fragments, seen)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
            name = selection.name.value
            yield from _root_fields(fragments[name].selection_set, fragments, seen | {name})
