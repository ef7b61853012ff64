"""The reference of the API: what stands beside each handler, as an OpenAPI 3.1 document and as a page."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema
from sanic import HTTPResponse, Request, Sanic
from sanic.response import html, json

from server.kit.auth import InsufficientScope
from server.kit.errors import DomainError, Invalid, Unauthenticated
from server.kit.http import UnreadableBody
from server.kit.idempotency import MAX_LENGTH, IdempotencyInFlight, IdempotencyKeyReused
from server.kit.schemas import Answer

Method = Literal["get", "post", "put", "delete"]
PARAMETER = re.compile(r"<(\w+)(?::\w+)?>")
TEMPLATES = Path(__file__).parent / "templates"
SCHEMAS = "#/components/schemas/"
ORDER: tuple[Method, ...] = ("get", "post", "put", "delete")


@dataclass(frozen=True, eq=False)  # Sanic hashes what a route has
class Doc:
    """What a route does, in a sentence, and what it takes and answers; a route has it as `ctx_doc`."""

    summary: str
    answers: Mapping[int, type[BaseModel] | str]
    """Status → the document, or for an answer that is none, a sentence."""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further request headers that mean something → what."""
    refuses: Sequence[type[DomainError]] = ()
    """What it refuses of its own; a bad token, body or key it refuses like every other route."""
    keyed: bool = False
    """Whether it heeds Idempotency-Key."""


class ProblemOut(Answer):
    """A failure (RFC 9457); `code` is stable. Some have further members, which their sentence speaks of."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[dict[str, str]] | None = None


def add_reference(app: Sanic[Any, Any]) -> None:
    """Serve `/openapi.json`, and `/docs` for people, of all routes that `app` has."""
    pages = pages_of()

    @app.get("/openapi.json", name="openapi")
    async def openapi(request: Request) -> HTTPResponse:
        return json(_written(request.app), headers={"Cache-Control": "no-cache"})

    @app.get("/docs", name="docs")
    async def docs(request: Request) -> HTTPResponse:
        nonce = secrets.token_urlsafe(16)
        page = pages.get_template("reference.html").render(**contents(_written(request.app)), nonce=nonce)
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        return html(page, headers={"Content-Security-Policy": policy})


def _written(app: Sanic[Any, Any]) -> dict[str, Any]:
    """Once, when it is first asked for: it takes 35 ms, which a start can do without."""
    if not hasattr(app.ctx, "reference"):
        app.ctx.reference = document(app, version=metadata.version("tix"))
    reference: dict[str, Any] = app.ctx.reference
    return reference


def contents(reference: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates show: the operations by service, and the models with their fields."""
    by_service: dict[str, list[dict[str, Any]]] = {}
    for path, methods in reference["paths"].items():
        for method in ORDER:
            if operation := methods.get(method):
                by_service.setdefault(operation["tags"][0], []).append(
                    {"method": method.upper(), "path": path, **operation}
                )
    return {"services": by_service, "models": reference["components"]["schemas"], "info": reference["info"]}


def schema_name(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `string`, `TicketOut`, `list of OrderOut`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(SCHEMAS)
    if choices := schema.get("anyOf"):
        return " or ".join(schema_name(choice) for choice in choices)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "array":
        return f"list of {schema_name(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def pages_of(*folders: Path, reload: bool = False) -> Environment:
    """Templates, those of the reference among them; an unknown name is an error. `reload`: heed edits."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=reload,  # else each page asks the disk for every template's age
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["schema_name"] = schema_name
    return made


def document(app: Sanic[Any, Any], *, version: str) -> dict[str, Any]:
    """The OpenAPI document of an application's documented routes."""
    found = [(route, route.ctx.doc) for route in app.router.routes if hasattr(route.ctx, "doc")]
    names, definitions = _schemas(doc for _, doc in found)
    paths: dict[str, dict[str, Any]] = {}
    for route, doc in sorted(found, key=lambda one: one[0].path):
        path = "/" + PARAMETER.sub(lambda name: "{" + to_camel(name[1]) + "}", route.path)
        for method in route.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(route, doc, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tix", "version": version, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


Names = Mapping[tuple[Any, str], str]


def _schemas(docs: Iterable[Doc]) -> tuple[Names, dict[str, Any]]:
    """Where each model is described, and the descriptions."""
    models: dict[tuple[type[BaseModel], Literal["validation", "serialization"]], None] = {}
    for doc in docs:
        models.update(
            {(model, "serialization"): None for model in doc.answers.values() if not isinstance(model, str)}
        )
        if doc.body:
            models[doc.body, "validation"] = None
    models[ProblemOut, "serialization"] = None
    references, schema = models_json_schema(list(models), by_alias=True, ref_template=SCHEMAS + "{model}")
    return {key: reference["$ref"] for key, reference in references.items()}, schema["$defs"]


def _operation(route: Any, doc: Doc, names: Names) -> dict[str, Any]:  # noqa: ANN401 - a route of Sanic's
    scope: str | None = getattr(route.handler, "scope", None)
    is_open = not hasattr(route.handler, "scope")
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": doc.summary,
        "tags": [route.ctx.service],
        "parameters": [*_in_path(route.path), *_in_query(doc.query), *_in_headers(doc)],
        "responses": {
            **{str(status): _answer(status, model, names) for status, model in doc.answers.items()},
            **_refusals(doc, names, is_open=is_open, scope=scope),
        },
    }
    if doc.body:
        schema = {"$ref": names[doc.body, "validation"]}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if not is_open:
        operation["security"] = [{"token": [scope] if scope else []}]
    return operation


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": to_camel(name), "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PARAMETER.findall(path)
    ]


def _in_query(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(by_alias=True)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": {key: value for key, value in about.items() if key != "title"},
        }
        for name, about in schema["properties"].items()
    ]


def _in_headers(doc: Doc) -> list[dict[str, Any]]:
    said = dict(doc.headers)
    if doc.keyed:
        said["Idempotency-Key"] = (
            f"1 to {MAX_LENGTH} characters: sent again, the same answer and no second effect"
        )
    return [
        {"name": name, "in": "header", "description": text, "required": False, "schema": {"type": "string"}}
        for name, text in said.items()
    ]


def _answer(status: int, model: type[BaseModel] | str, names: Names) -> dict[str, Any]:
    if isinstance(model, str):
        return {"description": model}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": {"$ref": names[model, "serialization"]}}},
    }


def _refusals(doc: Doc, names: Names, *, is_open: bool, scope: str | None) -> dict[str, Any]:
    refused = list(doc.refuses)
    if not is_open:
        refused.append(Unauthenticated)
    if scope:
        refused.append(InsufficientScope)
    if doc.body:
        refused.append(UnreadableBody)
    if doc.body or doc.query:
        refused.append(Invalid)
    if doc.keyed:
        refused += [IdempotencyInFlight, IdempotencyKeyReused]
    by_status: dict[int, dict[str, str]] = {}
    for error in refused:
        by_status.setdefault(error.status, {})[error.code] = error.title
    schema = {"$ref": names[ProblemOut, "serialization"]}
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {title}" for code, title in titles.items()),
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status, titles in sorted(by_status.items())
    }
