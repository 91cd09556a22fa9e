"""The Python client: its README's story against a running system, tokens that end, and answers that are lost."""

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from chassis.testing.waiting import wait_until

pytestmark = pytest.mark.xdist_group("stack")
CLIENT = Path(__file__).parents[2] / "clients" / "python"
# What the story and these tests call; generating all operations takes several times as long.
PATHS = ("/v1/auth/", "/v1/customers", "/v1/audit-logs")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder with the client as `make sdk` puts it together, of the operations that are called here."""
    folder = tmp_path_factory.mktemp("sdk")
    shutil.copytree(CLIENT / "crm_client", folder / "crm_client", ignore=shutil.ignore_patterns("generated"))
    runpy.run_path(str(CLIENT / "generate.py"))["generate"](folder / "crm_client", PATHS)
    return folder


@pytest.fixture(scope="module")
def sdk(packages):
    """The package `crm_client`, with the generated operations of customers."""
    sys.path.insert(0, str(packages))
    import crm_client  # noqa: PLC0415  # It is made a moment before.
    import crm_client.generated.api.customers.create_customer  # noqa: PLC0415
    import crm_client.generated.api.customers.list_customers  # noqa: PLC0415
    import crm_client.generated.api.customers.update_customer  # noqa: PLC0415
    import crm_client.generated.models  # noqa: PLC0415

    yield crm_client
    sys.path.remove(str(packages))
    for name in [name for name in sys.modules if name.partition(".")[0] == "crm_client"]:
        del sys.modules[name]


@pytest.fixture
def ada(stack, register, sdk):
    """Somebody's credentials, and the API as they see it."""
    body, _ = register(f"{stack.gateway_url}/v1")
    return sdk.Password(body["user"]["email"], body["user"]["password"])


def customers(sdk):
    return sdk.generated.api.customers


def new(sdk, name):
    return sdk.generated.models.CustomerIn(name=name)


CUT = b""
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\nContent-Type: application/problem+json\r\n\r\n{}"


class Lossy:
    """A way to the gateway on which answers to a method are lost, after the gateway has given them.

    `instead` is what the client gets of each: nothing and a closed connection, or what a gateway says to an answer that
    the service did not give.
    """

    def __init__(self, url, method, losses, instead):
        self._there = (urlsplit(url).hostname, urlsplit(url).port)
        self._method = method.encode()
        self.losses = losses
        self._instead = instead
        self.seen = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        """Carry one request after the other, each as a whole, as clients of HTTP/1.1 send them."""
        with client, socket.create_connection(self._there) as server:
            asked = threading.Thread(target=self._answers, args=(server, client), daemon=True)
            asked.start()
            while data := _received(client):
                if data.startswith(self._method):
                    self.seen.append(re.search(rb"(?i)idempotency-key: (\S+)", data))
                server.sendall(data)
            server.close()

    def _answers(self, server, client):
        while data := _received(server):
            if self.losses and self.seen:
                self.losses -= 1
                if self._instead == CUT:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                data = self._instead
            client.sendall(data)


def _received(connection):
    try:
        return connection.recv(1 << 20)
    except OSError:
        return b""


@pytest.fixture
def lossy(stack):
    ways = []

    def make(method, losses, instead=CUT):
        ways.append(Lossy(stack.gateway_url, method, losses, instead))
        return ways[-1]

    yield make
    for way in ways:
        way.close()


def test_the_story_of_the_readme_is_true(stack, packages):
    [story] = re.findall(r"^```python\n(.*?)^```$", (CLIENT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages), "CRM_URL": stack.gateway_url}
    done = subprocess.run(
        [sys.executable, "-c", story], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


@pytest.mark.parametrize("instead", [CUT, BAD_GATEWAY])
def test_of_answers_that_are_lost_each_is_asked_for_again_under_one_key(sdk, ada, lossy, instead):
    way = lossy("POST /v1/customers", losses=2, instead=instead)
    name = f"Customer {uuid.uuid4()}"
    with sdk.Crm(way.url, ada) as crm:
        made = sdk.wanted(customers(sdk).create_customer.sync_detailed(client=crm.client, body=new(sdk, name)))
        found = list(sdk.pages(customers(sdk).list_customers, crm.client, name=name))
    assert [each.id for each in found] == [made.id]
    assert way.losses == 0
    assert len(way.seen) == 3
    assert len({match[1] for match in way.seen}) == 1


def test_a_change_whose_answer_is_lost_is_not_sent_again(sdk, ada, lossy):
    """It names a version, which is not the record's any more when the change was made."""
    import httpx  # noqa: PLC0415  # What the client stands on.

    way = lossy("PATCH", losses=1)
    with sdk.Crm(way.url, ada) as crm:
        made = sdk.wanted(customers(sdk).create_customer.sync_detailed(client=crm.client, body=new(sdk, "Ada")))
        patch = sdk.generated.models.CustomerPatch(city="Riga")
        with pytest.raises(httpx.TransportError):
            customers(sdk).update_customer.sync_detailed(made.id, client=crm.client, body=patch, if_match='"1"')
        assert len(way.seen) == 1


def test_a_session_that_was_ended_is_begun_anew(stack, sdk, ada):
    with sdk.Crm(stack.gateway_url, ada) as crm:
        list(sdk.pages(customers(sdk).list_customers, crm.client))
        [auth] = [each for each in [crm.client.get_httpx_client().auth] if each is not None]
        token = auth.access_token
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{stack.gateway_url}/v1/auth"
        requests.delete(f"{url}/sessions?current=true", headers=headers, timeout=10)
        wait_until(lambda: requests.get(f"{url}/me", headers=headers, timeout=10).status_code == 401, 30)
        made = customers(sdk).create_customer.sync_detailed(client=crm.client, body=new(sdk, "Ada"))
        assert sdk.wanted(made).name == "Ada"
        assert auth.access_token != token


def test_a_key_of_a_machine_opens_a_session_too(stack, register, sdk):
    _, answer = register(f"{stack.gateway_url}/v1")
    body = {"name": "Nightly", "scopes": ["customers:read"]}
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    key = requests.post(f"{stack.gateway_url}/v1/api-keys", json=body, headers=headers, timeout=10).json()["key"]
    with sdk.Crm(stack.gateway_url, sdk.ApiKey(key)) as crm:
        assert list(sdk.pages(customers(sdk).list_customers, crm.client)) == []
        with pytest.raises(sdk.Refused) as refused:
            sdk.wanted(customers(sdk).create_customer.sync_detailed(client=crm.client, body=new(sdk, "Ada")))
    assert (refused.value.status, refused.value.code) == (403, "permission_missing")


def test_a_wrong_password_is_a_refusal(stack, sdk):
    nobody = sdk.Password(f"nobody-{uuid.uuid4()}@acme.example", "not the password")
    with sdk.Crm(stack.gateway_url, nobody) as crm, pytest.raises(sdk.Refused) as refused:
        list(sdk.pages(customers(sdk).list_customers, crm.client))
    assert refused.value.code == "invalid_credentials"
    assert refused.value.request_id
