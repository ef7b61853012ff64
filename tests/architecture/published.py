"""What is published of the CLI: `make docs` writes docs/CLI.md and docs/schemas, whose diff is the change."""

import json
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from typer.main import get_command

from cli.main import app
from cli.schemas import NAMES
from tests.cli.tree import commands

DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS = DOCS / "schemas"
WIDTH = 100
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEAD = """\
# The commands

Written by `make docs` from the commands themselves; `tix COMMAND --help` says the same, `tix help` says more.
What each prints with `--json` is described in [schemas](schemas/); members may be added, never taken away.
"""


class _Untitled(GenerateJsonSchema):
    """Without a title for each field, which would say its name again."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never."""
        del schema
        return False


def schema(model: type[BaseModel]) -> str:
    """What the model is on the wire."""
    described = model.model_json_schema(mode="serialization", schema_generator=_Untitled)
    described["title"] = NAMES[model]
    return (
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **described}, indent=2) + "\n"
    )


def reference() -> str:
    """The help of every command, in the order of `tix --help`."""
    root = get_command(app)
    ctx = root.make_context("tix", ["--"], resilient_parsing=True)
    ctx.terminal_width = WIDTH
    parts = [HEAD, f"## tix\n\n```text\n{root.get_help(ctx)}\n```\n"]
    for words, (command, below) in commands().items():
        below.terminal_width = WIDTH
        own, _, rest = command.get_help(below).partition("\n\nGlobal options:\n")
        examples = rest.partition("\n\nExamples:\n")[2]
        text = f"{own}\n\nExamples:\n{examples}" if examples else own
        parts.append(f"## tix {words}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def documents() -> dict[Path, str]:
    """All of them, by where they are."""
    schemas = {SCHEMAS / f"{name}.json": schema(model) for model, name in NAMES.items()}
    return {DOCS / "CLI.md": reference(), **schemas}


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for path in set(SCHEMAS.glob("*.json")) - documents().keys():
        path.unlink()
    for path, text in documents().items():
        path.write_text(text)
