"""The schemas of an OpenAPI document: those of every struct that routes read or answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from shared.http.operations import Operation

Schema = dict[str, Any]
_PLACE = "#/components/schemas/{name}"


class Schemas:
    """The schemas of some operations' types, by name; types of one name are told apart by their modules."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        asked: list[Any] = []
        answered: list[Any] = []
        for operation in operations:
            asked += [one for one in (operation.body, operation.query, operation.parameters) if one is not None]
            if operation.answers is not None:
                answered.append(operation.answers)
        read, written = _structs(asked), _structs(answered)
        kinds: list[Any] = []
        for kind in (*asked, *answered, *read, *written):
            if kind not in kinds:
                kinds.append(kind)
        found, named = msgspec.json.schema_components(kinds, ref_template=_PLACE)
        # Through JSON, as it is released: a default of () is [] there.
        self._found = list(zip(kinds, _plain(found), strict=True))
        self.components: dict[str, Schema] = _plain(named)
        for kind in written:
            if kind not in read:
                self._promise(kind)

    def of(self, kind: Any) -> Schema:
        """The schema of a type: mostly a reference to one of the components."""
        return next(schema for known, schema in self._found if known == kind)

    def members(self, kind: Any) -> Iterator[tuple[str, Schema, bool]]:
        """Name, schema and whether it is required, of each field of a struct."""
        component = self._component(kind)
        required = component.get("required", ())
        for name, schema in component["properties"].items():
            yield name, schema, name in required

    def keep(self, document: Any) -> None:
        """Forgets the components that a document refers to nowhere, such as structs of query parameters."""
        used: set[str] = set()
        waiting = list(_references(document))
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting += _references(self.components[name])
        self.components = {name: schema for name, schema in sorted(self.components.items()) if name in used}

    def _component(self, kind: Any) -> Schema:
        return self.components[self.of(kind)["$ref"].rsplit("/", 1)[-1]]

    def _promise(self, kind: Any) -> None:
        """An answer has every field of its struct, also those that could be left out when one is made."""
        config = getattr(kind, "__origin__", kind).__struct_config__
        if config.omit_defaults or config.array_like:
            return
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        # A field that may stay unset has no default in here, and is not required.
        sent = [field.encode_name for field in info.fields if field.required or _has_default(field)]
        component = self._component(kind)
        component["required"] = sent
        for schema in component["properties"].values():
            schema.pop("default", None)


def _has_default(field: inspect.Field) -> bool:
    return field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT


def _structs(kinds: Sequence[Any]) -> list[Any]:
    """Every struct that types consist of, themselves among them."""
    found: list[Any] = []
    waiting: list[Any] = list(inspect.multi_type_info(kinds))
    while waiting:
        info = waiting.pop()
        if isinstance(info, inspect.StructType):
            if info.cls in found:
                continue
            found.append(info.cls)
            waiting += [field.type for field in info.fields]
        elif isinstance(info, inspect.UnionType):
            waiting += info.types
        elif isinstance(info, inspect.Metadata):
            waiting.append(info.type)
        elif isinstance(info, inspect.DictType):
            waiting += [info.key_type, info.value_type]
        elif isinstance(info, inspect.TupleType):
            waiting += info.item_types
        elif isinstance(info, (inspect.CollectionType, inspect.VarTupleType)):
            waiting.append(info.item_type)
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rsplit("/", 1)[-1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))
