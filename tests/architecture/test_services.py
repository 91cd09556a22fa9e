"""What names services by hand names all of them: a new one is nowhere forgotten, and a missing line is asked for."""

import configparser
import dataclasses
from pathlib import Path

import pytest

from chassis.db.session import Database
from chassis.service import Service
from chassis.testing.batteries import Battery, Operation, load_battery
from chassis.web.application import ServiceApplication
from crm.settings import ASKS, JOBS_ASK, SERVICES
from gateway.config import ROUTES

# Section and key of .importlinter in which every service has a line, and what the line says.
IMPORTS = (
    ("importlinter", "root_packages", "{name}"),
    ("importlinter:contract:services", "layers", "{name}"),
    ("importlinter:contract:pika", "source_modules", "{name}"),
    ("importlinter:contract:outside", "forbidden_modules", "{name}"),
    ("importlinter:contract:inside", "source_modules", "{name}"),
)
# Contracts of the inner order: every service is in one.
ORDERS = ("importlinter:contract:service", "importlinter:contract:identity")


@pytest.fixture(scope="session")
def contracts(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    assert parser.read(root / ".importlinter")
    return parser


def words(contracts: configparser.ConfigParser, section: str, key: str) -> list[str]:
    return contracts[section][key].replace("|", " ").split()


@pytest.mark.parametrize(("section", "key", "line"), IMPORTS)
def test_every_service_is_in_each_contract_of_imports(
    contracts: configparser.ConfigParser, service_name: str, section: str, key: str, line: str
) -> None:
    wanted = line.format(name=service_name)
    assert wanted in words(contracts, section, key), f".importlinter: add {wanted!r} to {key} of [{section}]"


def test_every_service_has_an_inner_order(contracts: configparser.ConfigParser, service_name: str) -> None:
    held = [section for section in ORDERS if service_name in words(contracts, section, "containers")]
    assert len(held) == 1, f".importlinter: add {service_name!r} to containers of [{ORDERS[0]}]"


def test_contracts_of_imports_name_no_service_that_is_gone(
    contracts: configparser.ConfigParser, service_names: list[str]
) -> None:
    named = set(words(contracts, "importlinter", "root_packages")) - {
        "chassis",
        "crm",
        "gateway",
        "imports",
        "people",
        "sample",
        "web",
    }
    assert named == set(service_names)


def test_a_stack_runs_every_service(service_names: list[str]) -> None:
    assert set(SERVICES) == set(service_names), "deploy/crm/settings.py: SERVICES"
    assert set(ASKS) | {name for asked in ASKS.values() for name in asked} <= set(service_names)


def test_a_stack_tells_a_service_whom_it_may_ask(service: Service) -> None:
    wanted = {reference.owner for reference in service.references}
    assert wanted <= set(ASKS.get(service.name, ())), f"deploy/crm/settings.py: ASKS of {service.name}"


def test_a_stack_gives_a_worker_that_asks_the_key_for_it(service: Service) -> None:
    assert any(schedule.asks for schedule in service.schedules) == (service.name in JOBS_ASK)
    assert set(JOBS_ASK.get(service.name, ())) <= set(ASKS.get(service.name, ()))


def test_the_gateway_leads_to_every_route_and_to_none_that_is_gone(service: Service) -> None:
    given = {
        field.name: "-" * 32
        for field in dataclasses.fields(service.settings)
        if field.default is dataclasses.MISSING or field.name == "cursor_secret"
    }
    settings = service.settings(**given)  # type: ignore[arg-type]  # Every field without a default is a text.
    application = ServiceApplication(service, settings, Database("postgresql://"))
    rules = [rule.rule.split("/") for rule in application.url_map.iter_rules() if rule.rule.startswith("/v1/")]
    assert {words[2] for words in rules} == set(ROUTES.get(service.name, ())), (
        f"gateway/gateway/config.py: ROUTES[{service.name!r}]"
    )


def test_every_service_tells_the_tests_over_all_services_of_its_records(service_name: str) -> None:
    assert load_battery(service_name)


def operation(method: str, path: str) -> Operation:
    return Operation("customers", method, path, "customers:write", takes_json=True)


def test_a_service_without_a_battery_is_told_what_to_write(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = dataclasses.make_dataclass("Elsewhere", ["migrations"])(tmp_path / "migrations")
    monkeypatch.setattr("chassis.testing.batteries.load", lambda _: service)
    with pytest.raises(AssertionError, match=r"services/leads/tests/battery\.py is missing or has no BATTERY: write"):
        load_battery("leads")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "battery.py").write_text("BATTERY = 1\n")
    with pytest.raises(AssertionError, match="has no BATTERY: write"):
        load_battery("leads")


def test_a_record_and_a_body_that_a_battery_lacks_are_asked_for() -> None:
    battery = Battery(make=lambda *_: {}, changes={"leads": {"name": "x"}}, deeds={"win": {}})
    with pytest.raises(AssertionError, match=r"makes no record for GET /v1/leads/\{lead_id\}: .* as 'lead_id'"):
        battery.target(operation("GET", "/v1/leads/{lead_id}"), {"deal_id": 1})
    with pytest.raises(AssertionError, match=r"no body for PATCH /v1/deals/\{deal_id\}: add 'deals' to `changes`"):
        battery.body(operation("PATCH", "/v1/deals/{deal_id}"))
    with pytest.raises(AssertionError, match=r"no body for POST /v1/deals/\{deal_id\}/lose: add 'lose' to `deeds`"):
        battery.body(operation("POST", "/v1/deals/{deal_id}/lose"))
    assert battery.body(operation("PATCH", "/v1/leads/{lead_id}")) == {"json": {"name": "x"}}
    assert battery.body(operation("POST", "/v1/deals/{deal_id}/win")) == {"json": {}}
    assert battery.body(operation("POST", "/v1/deals")) == {}
