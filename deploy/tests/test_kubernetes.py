"""deploy/kubernetes: what is rendered is what a stack is made of, and each reader gets its own secrets and no others."""

import json

import pytest

from chassis.config import WAITING_THREADS
from crm.credentials import Credentials
from crm.databases import SHARES
from crm.environment import withheld
from crm.gateway import ALLOCATOR
from crm.jobs.places import SERVERS
from crm.kubernetes import check
from crm.kubernetes.secrets import PREPARE, READERS, objects
from crm.plan import GATEWAY, GATEWAY_AGENT, PAGES
from crm.servers.postgres import BACKEND_ALLOCATOR, SETTINGS
from crm.servers.rabbitmq import ERLANG_HEAPS
from crm.settings import ASKS, JOBS_ASK, KINDS, SENDS_LETTERS, SERVICES, WEB, WORKER
from gateway.config import WAITING

PROGRAMS = ("Deployment", "Job")


@pytest.fixture(scope="module")
def rendered():
    return check.render(check.EXAMPLE)


@pytest.fixture(scope="module")
def pods(rendered):
    """The template of each Deployment's and Job's pods, by name."""
    return {entry["metadata"]["name"]: entry["spec"]["template"] for entry in rendered if entry["kind"] in PROGRAMS}


@pytest.fixture
def secrets(tmp_path):
    return {entry["metadata"]["name"]: entry for entry in objects(Credentials(tmp_path))["items"]}


def of(rendered, kind):
    return {entry["metadata"]["name"]: entry["spec"] for entry in rendered if entry["kind"] == kind}


def containers(template):
    return [*template["spec"].get("initContainers", ()), *template["spec"]["containers"]]


def test_the_files_are_those_that_would_be_made_and_an_api_server_would_take_them(rendered):
    assert check.stale() == []
    assert check.faults(rendered) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": "http"}]}},
        {"apiVersion": "v1", "kind": "Servise", "metadata": {"name": "a"}, "spec": {}},
        {"apiVersion": "keda.sh/v2", "kind": "ScaledObject", "metadata": {"name": "a"}, "spec": {}},
    ],
)
def test_what_an_api_server_would_refuse_is_a_fault(broken):
    assert len(check.faults([broken])) == 1


def test_what_operators_bring_is_held_to_schemas_that_are_given(tmp_path):
    (tmp_path / "keda.sh").mkdir()
    schema = {"properties": {"spec": {"required": ["triggers"]}}}
    (tmp_path / "keda.sh" / "scaledobject_v1alpha1.json").write_text(json.dumps(schema))
    entry = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a"}, "spec": {}}
    assert check.faults([entry]) == []
    assert "triggers" in check.faults([entry], tmp_path)[0]


def test_it_runs_every_process_of_a_native_stack_and_no_other(pods):
    of_services = {f"{service}-{kind}" for service in SERVICES for kind in READERS}
    assert pods.keys() == of_services | {GATEWAY, PAGES, "databases"}
    for service in SERVICES:
        for kind in KINDS:
            [container] = pods[f"{service}-{kind}"]["spec"]["containers"]
            assert container["args"] == ["chassis", kind, "$(SERVICE)"]
            assert container["image"].split(":")[0] == f"crm-{service}"
    agent = next(each for each in containers(pods[GATEWAY]) if each["name"] == "agent")
    assert f"{GATEWAY}-{agent['name']}" == GATEWAY_AGENT
    assert (agent["args"], agent["restartPolicy"]) == (["gateway.agent"], "Always")


def test_every_service_is_told_its_own_settings(rendered):
    settings = {
        entry["data"]["SERVICE"]: entry["data"]
        for entry in rendered
        if entry["kind"] == "ConfigMap" and "SERVICE" in entry["data"]
    }
    assert settings.keys() == SERVICES.keys()
    for service, told in settings.items():
        assert {entry.split("=")[0] for entry in told.get("SERVICE_URLS", "").split()} == set(ASKS.get(service, ()))


def test_a_pod_mounts_its_own_secret_and_reads_nothing_that_is_not_in_it(pods, secrets):
    for name, template in pods.items():
        mounted = [volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume]
        if name == GATEWAY:
            mounted.remove("gateway-tls")  # Which cert-manager makes.
        assert mounted == ([] if name == PAGES else [name]), name
        there = set(secrets[name]["stringData"]) if mounted else set()
        for container in containers(template):
            paths = {one["value"] for one in container.get("env", ()) if one["name"].endswith("_FILE")}
            assert paths <= {f"/run/crm/{secret}" for secret in there}, name
        read = {one["value"] for one in containers(template)[-1].get("env", ()) if one["name"].endswith("_FILE")}
        assert name in (GATEWAY, "databases") or read == {f"/run/crm/{secret}" for secret in there}, name


def test_a_secret_holds_only_what_its_reader_may_know(secrets):
    for service in SERVICES:
        prepare = secrets[f"{service}-{PREPARE}"]["stringData"]
        assert {"owner_database_url", "owner_broker_url"} <= prepare.keys()
        for kind in KINDS:
            told = secrets[f"{service}-{kind}"]["stringData"]
            assert not told.keys() & {name.lower() for name in withheld(service, kind)}, (service, kind)
            assert not any("owner" in name for name in told)
            assert f"@{SERVERS.postgres}/{service}" in told["database_url"]
            assert ("mail_url" in told) == (kind == WORKER and service in SENDS_LETTERS)
    assert secrets["postgres-superuser"]["stringData"]["password"] == secrets["databases"]["stringData"]["superuser"]
    assert all(check.faults([entry]) == [] for entry in secrets.values())


def test_secrets_are_made_once(tmp_path):
    made = objects(Credentials(tmp_path))
    assert objects(Credentials(tmp_path)) == made


def test_every_pod_is_held_to_the_profile_restricted(pods):
    for name, template in pods.items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}, name
        for container in containers(template):
            held = container["securityContext"]
            assert held["allowPrivilegeEscalation"] is False, name
            assert held["readOnlyRootFilesystem"] is True, name
            assert held["capabilities"] == {"drop": ["ALL"]}, name
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


def test_each_program_survives_a_node_and_scales(rendered, pods):
    deployments, budgets, scaled = (
        of(rendered, kind) for kind in ("Deployment", "PodDisruptionBudget", "ScaledObject")
    )
    assert budgets.keys() == deployments.keys()
    for name, deployment in deployments.items():
        labels = pods[name]["metadata"]["labels"].items()
        selectors = [deployment["selector"], budgets[name]["selector"]]
        selectors += [spread["labelSelector"] for spread in pods[name]["spec"]["topologySpreadConstraints"]]
        others = [template["metadata"]["labels"].items() for other, template in pods.items() if other != name]
        for selector in selectors:
            assert selector["matchLabels"].items() <= labels, name
            assert not any(selector["matchLabels"].items() <= other for other in others), name
    autoscaled = {spec["scaleTargetRef"]["name"] for spec in of(rendered, "HorizontalPodAutoscaler").values()}
    assert autoscaled == {f"{service}-{WEB}" for service in SERVICES}
    assert {spec["scaleTargetRef"]["name"] for spec in scaled.values()} == {
        f"{service}-{WORKER}" for service in SERVICES
    }
    for name, spec in scaled.items():
        assert spec["minReplicaCount"] >= 1
        assert spec["triggers"][0]["metadata"]["queueName"] == f"{name.removesuffix('-worker')}.events"
    # Who counts pods and who says their number are not two.
    assert {name for name, spec in deployments.items() if "replicas" in spec} == {GATEWAY, PAGES}
    gateways = next(entry["data"] for entry in rendered if "GATEWAYS" in entry.get("data", ()))
    assert int(gateways["GATEWAYS"]) == deployments[GATEWAY]["replicas"]


def test_postgres_has_room_for_the_connections_of_all_that_autoscalers_may_start(rendered):
    threads = {
        entry["data"]["SERVICE"]: int(entry["data"]["WEB_THREADS"])
        for entry in rendered
        if entry["kind"] == "ConfigMap" and "SERVICE" in entry["data"]
    }
    web, workers = of(rendered, "HorizontalPodAutoscaler"), of(rendered, "ScaledObject")
    most = {
        # For transactions and for reads, and one more of each for health checks and other services. Who waits looks for
        # what is done by reads alone.
        service: (2 * (threads[service] + 2) + (service in WAITING) * WAITING_THREADS * threads[service])
        * web[f"{service}-web"]["maxReplicas"]
        + 12 * workers[f"{service}-worker"]["maxReplicaCount"]
        for service in SERVICES
    }
    there = int(of(rendered, "Cluster")["postgres"]["postgresql"]["parameters"]["max_connections"])
    assert sum(most.values()) < there
    assert max(most.values()) < there * SHARES["app"]


def test_postgres_compiles_nothing_and_analyses_soon_as_in_a_native_stack(rendered):
    told = of(rendered, "Cluster")["postgres"]["postgresql"]["parameters"]
    assert {name: told.get(name) for name in ("jit", "autovacuum_naptime")} == {
        name: SETTINGS[name] for name in ("jit", "autovacuum_naptime")
    }


def test_servers_keep_memory_as_in_a_native_stack(rendered, pods):
    [haproxy] = [one for one in containers(pods["gateway"]) if one["name"] == "haproxy"]
    told = {one["name"]: one.get("value") for one in haproxy["env"]}
    assert ALLOCATOR.items() <= told.items()
    postgres = of(rendered, "Cluster")["postgres"]["env"]
    assert {one["name"]: one["value"] for one in postgres} == BACKEND_ALLOCATOR
    broker = of(rendered, "RabbitmqCluster")["rabbitmq"]["rabbitmq"]
    assert broker["envConfig"].strip() == f'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="{ERLANG_HEAPS}"'


def reaches(rendered, labels, other, port):
    """Whether policies let a pod with `labels` ask one with `other` on a port: out of the one, and into the other."""

    def selects(selector, these):
        wanted = selector.get("matchLabels", {}).items() <= these.items()
        return wanted and all(these.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", ()))

    def lets(direction, key, of_pod, peer):
        rules = [
            rule
            for policy in of(rendered, "NetworkPolicy").values()
            if selects(policy["podSelector"], of_pod)
            for rule in policy.get(direction, ())
        ]
        return any(
            port in [one["port"] for one in rule["ports"]]
            and (key not in rule or any(selects(one["podSelector"], peer) for one in rule[key] if "podSelector" in one))
            for rule in rules
        )

    return lets("egress", "to", labels, other) and lets("ingress", "from", other, labels)


def test_policies_let_through_what_a_process_asks_for_and_nothing_else(rendered, pods):
    labels = {name: template["metadata"]["labels"] for name, template in pods.items()}
    postgres = {"cnpg.io/cluster": "postgres"}
    rabbitmq = {"app.kubernetes.io/name": "rabbitmq"}
    asking = {(one, other) for one in labels for other in labels if reaches(rendered, labels[one], labels[other], 8000)}
    wanted = {(GATEWAY, PAGES)} | {(GATEWAY, f"{service}-web") for service in SERVICES}
    wanted |= {(f"{service}-web", f"{other}-web") for service, asked in ASKS.items() for other in asked}
    wanted |= {(f"{service}-worker", f"{other}-web") for service, asked in JOBS_ASK.items() for other in asked}
    wanted |= {(f"{service}-web", "identity-web") for service in SERVICES if service != "identity"}
    assert asking == wanted
    with_database = {f"{service}-{kind}" for service in SERVICES for kind in READERS} | {"databases"}
    assert {name for name in labels if reaches(rendered, labels[name], postgres, 5432)} == with_database
    with_broker = {name for name in with_database if not name.endswith("-web")}
    assert {name for name in labels if reaches(rendered, labels[name], rabbitmq, 5672)} == with_broker
    denied = of(rendered, "NetworkPolicy")["deny-by-default"]
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert all(denied["podSelector"]["matchLabels"].items() <= labels[name].items() for name in labels)
