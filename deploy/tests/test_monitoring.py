"""Rules, dashboards and what Prometheus asks: they name what is there, and whoever is woken finds what to do."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from crm.settings import KINDS, SERVICES

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"] for rule in group["rules"]]
METRIC = re.compile(r"\b(?:crm|haproxy|rabbitmq)_[a-z0-9_]+")


def expressions():
    """Every expression of rules and dashboards, by where it stands."""
    found = {rule["alert"]: rule["expr"] for rule in RULES}
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{path.name}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.mark.xdist_group("stack")
def test_each_metric_that_rules_and_dashboards_name_is_exposed(stack):
    for service in SERVICES:
        assert requests.get(f"{stack.web_urls(service)[0]}/v1/nothing", timeout=10).status_code == 404
    urls = [url for service in SERVICES for kind in KINDS for url in stack.metrics_urls(service, kind)]
    urls += [stack.gateway_metrics_url, f"{stack.gateway.agent_url}/metrics"]
    lines = "\n".join(requests.get(url, timeout=10).text for url in urls).splitlines()
    exposed = {re.split(r"[{ ]", line)[0] for line in lines if line and not line.startswith("#")}
    exposed |= {line.split()[2] for line in lines if line.startswith("# TYPE")}
    # A histogram that has seen nothing yet shows its name alone.
    exposed |= {
        f"{line.split()[2]}_bucket" for line in lines if line.startswith("# TYPE") and line.endswith("histogram")
    }
    missing = {where: set(METRIC.findall(text)) - exposed for where, text in expressions().items()}
    assert {where: names for where, names in missing.items() if names} == {}


def test_prometheus_asks_every_process_of_every_service():
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    }
    (found,) = jobs["services"]["dns_sd_configs"]
    assert found["names"] == [f"{service}-{kind}" for service in SERVICES for kind in KINDS]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in found["names"]:
        assert services[name]["environment"]["METRICS_BIND"].endswith(f":{found['port']}")
    for job in ("gateway-agent", "gateway", "rabbitmq"):
        (target,) = jobs[job]["static_configs"][0]["targets"]
        assert target.partition(":")[0] in services


def test_each_alert_says_how_bad_it_is_and_where_to_read_on():
    sections = {
        line[3:].lower() for line in (ROOT / "docs" / "runbook.md").read_text().splitlines() if line.startswith("## ")
    }
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert sections == {rule["alert"].lower() for rule in RULES}


def test_each_alert_is_tested_to_sound():
    tests = yaml.safe_load((MONITORING / "rules_test.yml").read_text())["tests"]
    sounded = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert sounded == {rule["alert"] for rule in RULES}


def test_dashboards_and_their_panels_have_ids_of_their_own():
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert [board["uid"] for board in boards] == [path.stem for path in DASHBOARDS]
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(places) == len(set(places))


@pytest.mark.long
def test_prometheus_takes_the_rules_and_they_sound_when_they_should():
    promtool = shutil.which("promtool")
    assert promtool, "install it with: apt-get install -y --no-install-recommends prometheus"
    for command in ("check", "test"):
        file = "rules.yml" if command == "check" else "rules_test.yml"
        done = subprocess.run(
            [promtool, command, "rules", str(MONITORING / file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
