"""What is asked of Prometheus, by alerts and dashboard, against what the code tells; and who may read it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser
import pytest
import yaml

from server.kit import metrics
from server.kit.http import PROBES
from server.kit.inbox import NotYetVisible
from server.local.datadir import fresh_secrets
from server.settings import Settings
from tests.infra import metrics_table
from tests.infra.containers import K8S, OURS, ROOT, Document, compose, copied, kustomized, pods
from tests.infra.metrics_table import PAGE

OBS = ROOT / "infra/obs"
PORT = Settings().metrics_port
PART = "part"
"""The name by which Prometheus found it."""
OF_PROMETHEUS = frozenset({"le", "instance", "job", PART})
PROMISED = {
    "TixDeadLetters": "tix_dead_letters",
    "TixOutboxOld": "tix_outbox_age_seconds",
    "TixOutboxGrows": "tix_outbox_unpublished",
    "TixPaymentsForReview": "tix_payments_for_review",
    "TixErrors": "tix_http_requests_total",
    "TixConsumerBehind": "tix_consumer_pending",
    "TixHoldsOverdue": "tix_holds",
}
"""What has to call somebody, and by which metric."""


def told() -> dict[str, frozenset[str]]:
    """Each metric the code has → its labels."""
    found = {"up": frozenset[str]()}
    for metric in metrics_table.told():
        found |= dict.fromkeys(metric.names, frozenset(metric.labels))
    for family in metrics.REGISTRY.collect():
        if not family.name.startswith("tix_"):  # the process's own
            found |= dict.fromkeys((sample.name for sample in family.samples), frozenset())
    return found


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    page = metrics_table.PAGE.read_text(encoding="utf-8")
    assert page == metrics_table.written(page), "make docs"


def rules() -> list[Document]:
    """The alerts."""
    [group] = yaml.safe_load((OBS / "rules.yaml").read_text())["groups"]
    found: list[Document] = group["rules"]
    return found


def dashboard() -> Document:
    """As Grafana reads it."""
    found: Document = json.loads((OBS / "grafana/dashboards/tix.json").read_text())
    return found


def queries(board: Document) -> list[str]:
    """Of all its panels."""
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def mistakes(query: str, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What a query asks for that nobody tells. Raises ValueError where it is no PromQL."""
    promql_parser.parse(query)
    names = re.findall(r"\b((?:tix|process|python)_\w+|up)\b", query)
    if not names:
        yield f"{query}: asks for nothing"
    for name in names:
        if name not in known:
            yield f"{query}: there is no metric {name}"
    labels = {label for name in names for label in known.get(name, ())} | OF_PROMETHEUS
    said = re.findall(r"\bby \(([\w, ]+)\)", query) + re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|!~|=)", query)
    for label in (word.strip() for part in said for word in part.split(",")):
        if label not in labels:
            yield f"{query}: there is no label {label}"


def test_alerts_ask_for_what_the_code_tells() -> None:
    known = told()
    assert [text for rule in rules() for text in mistakes(rule["expr"], known)] == []
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "warn", "person"}
        assert rule["annotations"].keys() == {"summary", "repair"}


def test_every_promise_calls_somebody() -> None:
    by_name = {rule["alert"]: rule["expr"] for rule in rules()}
    assert {name: metric for name, metric in PROMISED.items() if metric not in by_name.get(name, "")} == {}


def test_a_probe_that_says_no_is_no_failure() -> None:
    """/readyz answers 503 while a process drains; and its 200s would hide others' failures."""
    [errors] = [rule["expr"] for rule in rules() if rule["alert"] == "TixErrors"]
    [left_out, again] = re.findall(r'route!~"([^"]+)"', errors)
    assert left_out == again
    assert all(re.fullmatch(left_out, probe) for probe in PROBES)
    assert not re.fullmatch(left_out, "/api/orders")


def test_what_is_still_on_its_way_is_no_failure() -> None:
    """Clients ask again; and a stranger who makes up a fresh id must call nobody."""
    [alert] = [rule["expr"] for rule in rules() if rule["alert"] == "TixErrors"]
    [panel] = [query for query in queries(dashboard()) if "5.." in query]
    for query in (alert, panel):
        assert re.findall(r'5\.\.",code!="(\w+)"', query) == [NotYetVisible.code]


def test_the_dashboard_asks_for_what_the_code_tells() -> None:
    known = told()
    assert [text for query in queries(dashboard()) for text in mistakes(query, known)] == []


def test_the_dashboard_leaves_nothing_of_ours_out() -> None:
    """A metric nobody looks at is one too many; these are for alerts or by other names."""
    asked = {name for query in queries(dashboard()) for name in re.findall(r"\btix_\w+", query)}
    elsewhere = {"tix_build_info", "tix_bus_connected", "tix_gauges_up"}
    ours = {re.sub(r"_(count|sum|bucket)$", "", name) for name in told() if name.startswith("tix_")}
    assert ours - {re.sub(r"_(count|sum|bucket)$", "", name) for name in asked} == elsewhere


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("max(tix_dead_leters) > 0", "no metric tix_dead_leters"),
        ("sum by (servise) (rate(tix_http_requests_total[5m]))", "no label servise"),
        ('max(tix_holds{status="overdue"})', "no label status"),
        ("tix_http_requests > 0", "no metric tix_http_requests"),
        ("1 + 1", "asks for nothing"),
    ],
)
def test_what_the_code_does_not_tell_is_noticed(query: str, said: str) -> None:
    assert any(said in text for text in mistakes(query, told()))


def test_what_is_no_promql_is_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        list(mistakes("sum by (", told()))


def test_a_metric_that_is_renamed_is_noticed() -> None:
    for query in queries(dashboard()):
        for name in set(re.findall(r"\btix_\w+", query)):
            known = {other: labels for other, labels in told().items() if other != name}
            assert list(mistakes(query, known)), query


def test_the_dashboard_is_one_that_grafana_shows() -> None:
    """Its own ids, a source that is provisioned, no panel on another."""
    board = dashboard()
    [source] = yaml.safe_load((OBS / "grafana/provisioning/datasources/tix.yaml").read_text())["datasources"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    taken = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


class TestCompose:
    """The profile `obs`."""

    @pytest.fixture
    def services(self) -> Document:
        services: Document = compose(fresh_secrets())["services"]
        return services

    def test_it_is_asked_for(self, services: Document) -> None:
        assert {name for name, s in services.items() if s.get("profiles") == ["obs"]} == {
            "prometheus",
            "grafana",
        }

    def test_every_service_is_scraped_on_its_own_port(self, services: Document) -> None:
        [job] = yaml.safe_load((OBS / "prometheus.yaml").read_text())["scrape_configs"]
        [found] = job["dns_sd_configs"]  # each replica has an address: a target by name would be one of them
        assert (set(found["names"]), found["type"], found["port"]) == (set(OURS), "A", PORT)
        assert OURS.keys() <= services.keys()
        [part] = job["relabel_configs"]
        assert part == {"source_labels": ["__meta_dns_name"], "target_label": PART}
        [down] = [rule["expr"] for rule in rules() if rule["alert"] == "TixDown"]
        assert f"unless max by ({PART})" in down  # whose last replica is gone has no address either

    def test_the_files_are_where_they_are_looked_for(self, services: Document) -> None:
        for name in ("prometheus", "grafana"):
            for mount in services[name]["volumes"]:
                source, _, target = mount.partition(":")
                if source.startswith("./"):
                    assert (ROOT / source).exists(), mount
                    assert target.endswith(":ro")
        mounts = [mount.split(":")[1] for mount in services["prometheus"]["volumes"]]
        settings = yaml.safe_load((OBS / "prometheus.yaml").read_text())
        assert set(settings["rule_files"]) <= set(mounts)
        provider = yaml.safe_load((OBS / "grafana/provisioning/dashboards/tix.yaml").read_text())[
            "providers"
        ][0]
        assert provider["options"]["path"] in [m.split(":")[1] for m in services["grafana"]["volumes"]]

    def test_no_port_of_metrics_leaves_the_network(self, services: Document) -> None:
        for name, service in services.items():
            for published in service.get("ports", []):
                assert not published.endswith(f":{PORT}"), name


class TestKubernetes:
    """By annotations and a policy."""

    def test_neither_edge_nor_ingress_nor_service_names_it(self) -> None:
        """What is not named cannot be reached from outside."""
        assert str(PORT) not in (K8S / "base/Caddyfile").read_text()
        for path in K8S.rglob("*.yaml"):
            for document in yaml.safe_load_all(path.read_text()):
                if document and document["kind"] in {"Ingress", "Service"}:
                    assert not re.search(rf"{PORT}|metrics", json.dumps(document["spec"])), path

    def test_every_pod_of_ours_has_it_and_only_prometheus_comes_in(self, tmp_path: Any) -> None:
        documents = kustomized("production", tmp_path)
        for name, template in pods(documents):
            if name in OURS:
                ports = [port["containerPort"] for port in template["spec"]["containers"][0]["ports"]]
                assert ports == [OURS[name], PORT]
                assert template["metadata"]["annotations"]["prometheus.io/port"] == str(PORT)
        assert who_reads(documents) == [("monitoring", "prometheus")]

    def test_another_reader_is_noticed(self) -> None:
        """The control, on the file itself."""
        policies = list(yaml.safe_load_all((K8S / "base/network.yaml").read_text()))
        assert who_reads(policies) == [("monitoring", "prometheus")]
        wrong = copied(policies)
        wrong[-1]["spec"]["ingress"].append({"from": [{"podSelector": {}}], "ports": [{"port": PORT}]})
        assert who_reads(wrong) != who_reads(policies)

    def test_traces_leave_for_a_collector_and_nowhere_else(self) -> None:
        """From all of ours, to the port that the setting's own description names."""
        [port] = re.findall(
            r"^\| `OTEL_EXPORTER_\w+` .*http://collector:(\d+)", PAGE.read_text(), re.MULTILINE
        )
        namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
        opened = [
            (policy["spec"]["podSelector"], rule)
            for policy in yaml.safe_load_all((K8S / "base/network.yaml").read_text())
            for rule in policy["spec"].get("egress", [])
            if {"port": int(port)} in rule["ports"]
        ]
        ours = {"matchLabels": {"tix/kind": "service"}}
        assert opened == [(ours, {"to": [namespace], "ports": [{"port": int(port)}]})]


def who_reads(documents: list[Document]) -> list[Any]:
    """Namespace and name of those whom a policy lets in to the metrics; the whole rule where it says less."""
    found: list[Any] = []
    for document in documents:
        if document["kind"] != "NetworkPolicy":
            continue
        for rule in document["spec"].get("ingress", []):
            if not any(port.get("port") in {PORT, None} for port in rule.get("ports", [{}])):
                continue
            for peer in rule.get("from", [{}]):
                try:
                    space = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                    found.append((space, peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]))
                except KeyError:
                    found.append(rule)
    return found
