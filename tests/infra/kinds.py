"""The fields of Kubernetes' kinds: generated dataclasses from a wheel, made strict by pydantic."""

import functools
import importlib
import json
import sys
import types
from typing import Any, Literal

import pydantic
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

STRICT = pydantic.ConfigDict(extra="forbid", strict=True, defer_build=True)


def _field(*, metadata: dict[str, str], **more: Any) -> Any:
    """`from` and `except` cannot be the names of fields."""
    return pydantic.Field(alias=metadata["json"], **more)


def _stand_in() -> None:
    """The models ask a whole client for these three names; ours check what a manifest says."""
    schema: Any = types.ModuleType("lightkube.core.schema")
    schema.dataclass = dataclass(config=STRICT)
    schema.field = _field
    schema.DictMixin = type("DictMixin", (), {})
    sys.modules.setdefault("lightkube.core", types.ModuleType("lightkube.core"))
    sys.modules["lightkube.core.schema"] = schema


@functools.cache
def _validator(version: str, kind: str) -> pydantic.TypeAdapter[Any]:
    _stand_in()
    group, _, number = version.rpartition("/")
    module = importlib.import_module(f"lightkube.models.{group.partition('.')[0] or 'core'}_{number}")
    return pydantic.TypeAdapter(getattr(module, kind))


def check(document: dict[str, Any]) -> None:
    """Raises pydantic's ValidationError for an unknown field, a missing one, or a value of another type."""
    if document["kind"] == "Cluster":
        PostgresCluster.model_validate_json(json.dumps(document))
    else:
        _validator(document["apiVersion"], document["kind"]).validate_json(json.dumps(document))


class Part(pydantic.BaseModel):
    """A part of CloudNativePG's Cluster, of which no wheel has the schema: no more than what we use of it."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Synchronous(Part):
    """Of version 1.25 and newer."""

    method: Literal["any", "first"]
    number: int
    data_durability: Literal["required", "preferred"]


class PostgreSQL(Part):
    """Parameters are strings, numbers too."""

    synchronous: Synchronous
    parameters: dict[str, str]


class InitDB(Part):
    """How the database is made."""

    database: str
    owner: str
    encoding: str
    locale: str
    locale_provider: str
    builtin_locale: str
    post_init_sql: list[str] = pydantic.Field(alias="postInitSQL")


class ClusterSpec(Part):
    """What the operator is asked for."""

    instances: int
    inherited_metadata: dict[str, dict[str, str]]
    bootstrap: dict[Literal["initdb"], InitDB]
    postgresql: PostgreSQL
    storage: dict[str, str]
    wal_storage: dict[str, str]
    resources: dict[str, dict[str, str]]


class PostgresCluster(Part):
    """The kind Cluster."""

    api_version: Literal["postgresql.cnpg.io/v1"]
    kind: Literal["Cluster"]
    metadata: dict[str, str]
    spec: ClusterSpec
