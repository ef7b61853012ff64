"""Who may do what on the bus, made of what each service says and hears: a part of NATS' configuration.

Nothing here is written down twice: what a service says is in the catalogue of events, what it hears is what
it has a consumer for. It is the same in `up`, in containers and in the tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from server import events
from server.app import FOLLOWED
from server.kit.bus import durable_name
from server.kit.failures import BUCKET
from server.kit.keeper import STREAM
from server.settings import SERVICES, Service
from server.worker import HEARD

KEEPER = "tix"
"""Makes the stream and its consumers, for `migrate` and `up`, and may do everything."""
API = "$JS.API"
DURABLES = {
    service: [durable_name(service, event) for event in HEARD.get(service, ())] for service in SERVICES
}

HEAD = """\
# Who may do what on the bus. Written by `make golden`, from what each service says and hears.
# A password comes from the environment with quotes around it: what is put here is read as configuration.
"""


@dataclass(frozen=True)
class Grants:
    """What one user may publish to, but for `denied`, and subscribe to."""

    publish: list[str]
    denied: list[str]
    subscribe: list[str]


def says(service: Service) -> list[str]:
    """The subjects of its events."""
    return [
        event.subject()
        for event in events.CATALOGUE
        if events.SAID_BY[event.type.partition(":")[0]] == service
    ]


def grants(service: Service) -> Grants:
    """Its own events, its own consumers, its own answers; what JetStream is asked is published, too."""
    publish = [*says(service), f"{API}.STREAM.INFO.{STREAM}"]
    denied: list[str] = []
    if service in FOLLOWED:
        # A consumer that lives as long as a process, of any name but those of the durable ones.
        publish += [f"{API}.CONSUMER.{verb}.{STREAM}.*" for verb in ("CREATE", "INFO", "MSG.NEXT")]
        for owner, durables in DURABLES.items():
            verbs = ("CREATE",) if owner == service else ("CREATE", "MSG.NEXT")
            denied += [f"{API}.CONSUMER.{verb}.{STREAM}.{durable}" for durable in durables for verb in verbs]
    if DURABLES[service]:
        # Not DIRECT.GET: its answer is what was stored, bare, and can be sent to the subject of an event.
        publish += [f"{API}.STREAM.{verb}.KV_{BUCKET}" for verb in ("INFO", "MSG.GET")]
    for durable in DURABLES[service]:
        if service not in FOLLOWED:
            publish += [f"{API}.CONSUMER.{verb}.{STREAM}.{durable}" for verb in ("INFO", "MSG.NEXT")]
        publish += [f"$JS.ACK.{STREAM}.{durable}.>", f"$KV.{BUCKET}.{durable}.>"]
    return Grants(publish, denied, [f"_INBOX_{service}.>"])


def nats_users() -> str:
    """The block `authorization` of NATS' configuration; passwords by the names that `secrets` gives them."""
    users = [f"    {{ user: {KEEPER}, password: $NATS_PASSWORD }}\n", *map(_user, SERVICES)]
    return f"{HEAD}authorization {{\n  users: [\n{''.join(users)}  ]\n}}\n"


def _user(service: Service) -> str:
    may = grants(service)
    denied = f"          deny: {_list(may.denied)}\n" if may.denied else ""
    return f"""\
    {{
      user: {service}
      password: ${service.upper()}_NATS_PASSWORD
      permissions: {{
        publish: {{
          allow: {_list(may.publish)}
{denied}        }}
        subscribe: {{ allow: {_list(may.subscribe)} }}
      }}
    }}
"""


def _list(subjects: Iterable[str]) -> str:
    lines = "".join(f'            "{subject}"\n' for subject in subjects)
    return f"[\n{lines}          ]"
