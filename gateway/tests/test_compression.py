"""Long lists are compressed for who asks for it; records keep their ETag, and identity's secrets their size."""

import gzip
import json

import pytest

ASKS = [("Accept-Encoding", "gzip")]


@pytest.mark.parametrize("path", ["/v1/customers?long=1", "/v1/audit-logs?long=1", "/v1/customers/7/contacts?long=1"])
def test_a_list_is_compressed_for_who_asks_for_it(gateway, path: str) -> None:
    plain = gateway.authorized("GET", path)
    packed = gateway.authorized("GET", path, ASKS)
    assert plain.header("Content-Encoding") is None
    assert (packed.header("Content-Encoding"), packed.header("Vary")) == ("gzip", "Accept-Encoding")
    assert packed.header("Cache-Control") == "no-store"
    assert gzip.decompress(packed.body) == plain.body
    assert len(json.loads(plain.body)["data"]) == 200
    assert len(packed.body) * 5 < len(plain.body)


@pytest.mark.parametrize("path", ["/v1/customers/7", "/v1/customers/merges/12", "/v1/customers/export.jsonl"])
def test_whatever_has_an_etag_or_is_a_file_goes_as_it_is(gateway, path: str) -> None:
    asked = gateway.authorized("GET", path, ASKS)
    assert "accept-encoding" not in {name.lower() for name, _ in asked.json["headers"]}
    assert gateway.authorized("GET", f"{path}?long=1", ASKS).header("Content-Encoding") is None


def test_what_a_change_answers_goes_as_it_is(gateway) -> None:
    answer = gateway.authorized("POST", "/v1/customers?long=1", ASKS, body=b"{}")
    assert answer.header("Content-Encoding") is None


@pytest.mark.parametrize("path", ["/v1/users?long=1", "/v1/companies?long=1"])
def test_identitys_answers_are_never_compressed(gateway, path: str) -> None:
    assert gateway.authorized("GET", path, ASKS).header("Content-Encoding") is None


def test_settings_are_one_record_with_an_etag(run, stand_in) -> None:
    answer = run(tasks=[stand_in.address]).authorized("GET", "/v1/notification-settings?long=1", ASKS)
    assert (answer.status, answer.header("Content-Encoding")) == (200, None)
