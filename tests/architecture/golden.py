"""The events as JSON schemas; `make golden` writes `events.json`, whose diff is the change of contract."""

import json
from pathlib import Path
from typing import Any

from server.events import CATALOGUE
from server.kit.events import Envelope

GOLDEN = Path(__file__).with_name("events.json")
PROSE = {"description", "title"}
"""Rewording a docstring changes no contract."""


def schemas() -> str:
    """The envelope, every event as it is published, and the parts they share, each written once."""
    events: dict[str, Any] = {}
    parts: dict[str, Any] = {"Envelope": _bare(Envelope.model_json_schema(mode="serialization"))}
    for event in CATALOGUE:
        data = _bare(event.model_json_schema(mode="serialization"))
        parts.update(data.pop("$defs", {}))
        events[event.type] = {"class": event.__name__, "subject": event.subject(), "data": data}
    return json.dumps({"events": events, "$defs": parts}, indent=2, sort_keys=True) + "\n"


def _bare(schema: Any, *, names: bool = False) -> Any:
    """The schema without its prose; under `names` the keys are fields, of which one may be called "title"."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(value, names=key in {"properties", "$defs"} and not names)
        for key, value in schema.items()
        if names or key not in PROSE
    }


if __name__ == "__main__":
    GOLDEN.write_text(schemas())
