"""docker-compose.yml: it is what a stack is made of, and what runs by itself runs in both modes alike."""

import re
import subprocess

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crm import modes
from crm.compose import file
from crm.credentials import Credentials
from crm.environment import secret_environment, withheld
from crm.errors import OperatorError
from crm.jobs import secrets
from crm.jobs.gateway import reload, write
from crm.jobs.places import SERVERS
from crm.plan import GATEWAY, GATEWAY_AGENT, PAGES
from crm.programs import HAPROXY, require, system_binary
from crm.settings import ASKS, KINDS, NO_LIMITS, SENDS_LETTERS, SERVICES, WORKER
from gateway.config import WAITING

JOBS = {"secrets", "databases", "gateway-configuration", *(f"{service}-prepare" for service in SERVICES)}
SERVER_NAMES = {"postgres", "rabbitmq"}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(file.FILE.read_text())["services"]


def test_the_file_is_the_one_that_would_be_made():
    assert file.FILE.read_text() == file.text(), "docker-compose.yml is out of date: make compose-file"
    assert file.ARCHIVE_FILE.read_text() == file.archive_text(), "archive.yml is out of date: make compose-file"


def test_it_runs_every_process_of_a_native_stack_and_no_other(services):
    of_services = {f"{service}-{kind}" for service in SERVICES for kind in KINDS}
    programs = {name for name, service in services.items() if not service.get("profiles")}
    assert programs - JOBS == of_services | SERVER_NAMES | {GATEWAY, GATEWAY_AGENT, PAGES}
    for service in SERVICES:
        for kind in KINDS:
            assert services[f"{service}-{kind}"]["command"] == ["chassis", kind, service]


def test_a_service_is_told_where_each_of_its_secrets_is_and_whom_it_may_ask(services, tmp_path):
    for service in SERVICES:
        every = set(secret_environment(service, Credentials(tmp_path), SERVERS))
        for kind in KINDS:
            told = services[f"{service}-{kind}"]["environment"]
            wanted = every - set(withheld(service, kind))
            assert {name for name in told if name.endswith("_FILE")} == {f"{name}_FILE" for name in wanted}
            assert ("MAIL_URL" in told) == (kind == WORKER and service in SENDS_LETTERS)
            asked = {entry.split("=")[0] for entry in told.get("SERVICE_URLS", "").split()}
            assert asked == set(ASKS.get(service, ()))


def test_only_the_job_that_migrates_sees_the_owners_secret(services):
    for name, service in services.items():
        mounts = {mount.split(":")[0] for mount in service.get("volumes", ())}
        owners = {mount for mount in mounts if mount.endswith("-owner")}
        own = {f"secrets-{name.removesuffix('-prepare')}-owner"}
        assert owners == (own if name.endswith("-prepare") else {mount for mount in owners if name == "secrets"}), name
        readers = {f"{other}{kind}" for other in SERVICES for kind in ("", *(f"-{one}" for one in KINDS))}
        service_name, _, kind = name.rpartition("-")
        # What comes before the processes makes what the web signs with.
        mine = {service_name, f"{service_name}-{'web' if kind == 'prepare' else kind}"}
        others = {f"secrets-{reader}" for reader in readers - mine}
        assert name == "secrets" or not mounts & others, name
        assert name == "secrets" or "secrets" not in mounts, name


def test_nothing_but_the_gateway_is_published_and_that_on_loopback(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published.pop("gateway") == ["127.0.0.1:${CRM_PORT:-8080}:8080"]
    # What people look at beside it is there for those who ask for its profile.
    profiles = {name: services[name]["profiles"] for name in published}
    assert profiles == {"mailpit": ["mail"], "prometheus": ["monitoring"], "grafana": ["monitoring"]}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    usual = {name: service for name, service in services.items() if not service.get("profiles")}
    reach_out = {name for name, service in usual.items() if "outside" in service.get("networks", ())}
    assert reach_out == {"gateway", *(f"{service}-worker" for service in SENDS_LETTERS)}


def test_what_ends_by_itself_is_told_from_what_was_stopped(services):
    jobs = {name for name, service in services.items() if service.get("labels", {}).get("crm.job") == "true"}
    assert jobs == {*JOBS, "demo"}


def test_tls_adds_to_what_the_gateway_is_told_and_publishes_it_on_loopback(services):
    added = yaml.safe_load(file.TLS_FILE.read_text())["services"]
    assert set(added) == {"gateway-configuration", GATEWAY_AGENT, GATEWAY}
    assert set(added) < set(services)
    for name in ("gateway-configuration", GATEWAY_AGENT):
        assert added[name]["environment"] == {"TLS_CERTIFICATE": "/run/tls/tls.crt"}
    assert {entry["volumes"][0].rpartition(":/")[2] for entry in added.values()} == {"run/tls:ro"}
    assert added[GATEWAY]["ports"] == ["${CRM_TLS_BIND:-127.0.0.1:8443}:8443"]
    assert set(re.findall(r"\$\{(\w+)", file.TLS_FILE.read_text())) == set(file.TLS_VARIABLES)


def test_an_archive_changes_what_postgres_is_told_and_adds_who_keeps_it(services):
    added = yaml.safe_load(file.ARCHIVE_FILE.read_text())["services"]
    assert set(added) == {"postgres", "archive"}
    told, usual = added["postgres"]["command"], services["postgres"]["command"]
    assert told[: len(usual)] == usual
    assert [setting.split("=")[0] for setting in told[len(usual) :] if setting != "-c"] == [
        "archive_mode",
        "archive_command",
        "archive_timeout",
    ]
    # Nobody but PostgreSQL and who recovers it sees its files and what opens the archive.
    assert set(re.findall(r"\$\{(\w+)", file.ARCHIVE_FILE.read_text())) >= set(file.ARCHIVE_VARIABLES)
    assert [
        name for name, service in services.items() if "secrets-archive:/secrets/archive" in service.get("volumes", ())
    ] == ["secrets"]


def test_every_container_is_held_short(services):
    added = yaml.safe_load(file.ARCHIVE_FILE.read_text())["services"]
    for name, service in {**services, "archive": added["archive"]}.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == (["CHOWN"] if name == "secrets" else []), name
        assert service["logging"]["options"]["max-size"], name
        assert "ulimits" not in service, name
        assert name in JOBS or service.get("profiles") or service["healthcheck"]["interval"] == "15s", name


def test_no_secret_has_a_default(services):
    defaults = re.findall(r"\$\{(\w+):-([^}]*)\}", file.FILE.read_text())
    assert [name for name, _ in defaults if re.search("PASSWORD|SECRET|TOKEN", name) or name.endswith("KEY")] == []


@pytest.fixture
def owners(monkeypatch):
    """Who was given each file; only root may give one away."""
    given = {}
    monkeypatch.setattr("os.chown", lambda path, user, group: given.setdefault(path.name, set()).add((user, group)))
    return given


def test_the_job_makes_secrets_once_and_gives_each_reader_its_own(tmp_path, owners):
    (tmp_path / "master").mkdir()
    secrets.write(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    secrets.write(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert {path.stat().st_mode & 0o777 for path in files if path.parent.name != "master"} == {0o400}
    assert {path.parent.name for path in files} >= {"postgres", "rabbitmq", "gateway", "databases", *SERVICES}
    for service in SERVICES:
        every = {name.lower() for name in secret_environment(service, Credentials(tmp_path / "master"), SERVERS)}
        of_all = {path.name for path in (tmp_path / service).iterdir()}
        for kind in KINDS:
            folder = tmp_path / f"{service}-{kind}"
            own = {path.name for path in folder.iterdir()} if folder.exists() else set()
            assert of_all | own == every - {name.lower() for name in withheld(service, kind)}
            assert not of_all & own
        owned = {path.name for path in (tmp_path / f"{service}-owner").iterdir()}
        assert owned == {"owner_database_url", "owner_broker_url"}
    assert owners[".gateway_agent_key.new"] >= {(secrets.GATEWAY_USER,) * 2}


def test_what_an_earlier_release_put_where_others_read_it_is_deleted(tmp_path, owners):
    (tmp_path / "master").mkdir()
    (tmp_path / "customers").mkdir()
    (tmp_path / "customers" / "broker_url").write_text("amqp://")
    secrets.write(tmp_path)
    assert not (tmp_path / "customers" / "broker_url").exists()
    assert (tmp_path / "customers-worker" / "broker_url").exists()
    assert owners


def test_the_job_writes_a_configuration_that_haproxy_takes(tmp_path):
    haproxy = require(system_binary("haproxy"), HAPROXY)
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    keys = {"one": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()}
    assert write(tmp_path, keys, NO_LIMITS)
    assert not write(tmp_path, keys, NO_LIMITS)
    done = subprocess.run([haproxy, "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "haproxy.cfg").read_text()
    for service in SERVICES:
        assert text.count(f" {service}-web:8000 ") == 3 + (service in WAITING)
    assert text.count("server-template ") == 3 * len(SERVICES) + len(WAITING) + 1


def test_names_are_whole_where_haproxy_needs_them_so_and_gateways_share(tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    for folder, given in ((alone, {}), (shared, {"domain": "crm.svc.cluster.local", "gateways": 2})):
        folder.mkdir()
        write(folder, {"one": ""}, NO_LIMITS, **given)
    text = (shared / "haproxy.cfg").read_text()
    assert set(re.findall(r" (\S+):8000 ", text)) == {
        f"{name}.crm.svc.cluster.local" for name in ("web", *(f"{service}-web" for service in SERVICES))
    }
    places = [int(most) for most in re.findall(r"customers-web\S* maxconn (\d+)", (alone / "haproxy.cfg").read_text())]
    halves = [int(most) for most in re.findall(r"customers-web\S* maxconn (\d+)", text)]
    assert len(places) == len(halves) == 3
    assert sum(halves) < sum(places)


def test_a_gateway_that_does_not_run_is_left_alone(tmp_path):
    reload(tmp_path / "master.sock")


def test_a_home_keeps_its_mode(tmp_path, monkeypatch):
    monkeypatch.setattr(modes, "engine_answers", lambda: True)
    monkeypatch.setattr(modes, "compose_command", lambda: ["docker", "compose"])
    assert modes.chosen(tmp_path, modes.AUTO) == modes.COMPOSE
    assert modes.chosen(tmp_path, modes.NATIVE) == modes.NATIVE
    with pytest.raises(OperatorError, match="foo is no mode"):
        modes.chosen(tmp_path, "foo")
    (tmp_path / "state.json").touch()
    assert modes.chosen(tmp_path, modes.AUTO) == modes.NATIVE
    with pytest.raises(OperatorError, match="is of mode native"):
        modes.chosen(tmp_path, modes.COMPOSE)
    (tmp_path / "compose.json").touch()
    assert modes.chosen(tmp_path, modes.AUTO) == modes.COMPOSE


def test_without_an_engine_a_stack_is_native(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert modes.chosen(tmp_path, modes.AUTO) == modes.NATIVE
