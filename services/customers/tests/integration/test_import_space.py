"""What imports keep: no file that nothing reads any more, and so many bytes of a company."""

from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from imports.engine import lifecycle

PATH = "/v1/customers/imports"
CONTENT = "application/octet-stream"
SIMPLE = b"Name,E-Mail\r\nAda,ada@b.example\r\n"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


def test_a_cancelled_import_keeps_no_file(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int
) -> None:
    begun = imports.begin(SIMPLE).json
    parts = "SELECT count(*) FROM import_parts WHERE company_id = %s"
    assert superuser.execute(parts, (company_id,)).fetchone() == (1,)
    assert client.post(f"{PATH}/{begun['id']}/cancel").status_code == 200
    assert superuser.execute(parts, (company_id,)).fetchone() == (0,)
    assert client.request("PUT", f"{PATH}/{begun['id']}/parts/1", data=b"x", content_type=CONTENT).status_code == 409


def test_what_a_company_keeps_of_imports_is_bounded(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_FILE_BYTES", 2500)
    ids = [client.post(PATH, json={"filename": "x.csv"}).json["id"] for _ in range(3)]
    answers = [
        client.request("PUT", f"{PATH}/{number}/parts/1", data=b"x" * 1000, content_type=CONTENT) for number in ids
    ]
    assert [answer.status_code for answer in answers] == [204, 204, 409]
    assert answers[-1].json["code"] == "import_space_exhausted"
    # Another one's files are none of ours; a cancelled import makes room.
    assert client.post(f"{PATH}/{ids[0]}/cancel").status_code == 200
    assert client.request("PUT", f"{PATH}/{ids[2]}/parts/1", data=b"x" * 1000, content_type=CONTENT).status_code == 204
    monkeypatch.setattr(lifecycle, "MOST_KEPT_BYTES", 1500)
    refused = client.post(PATH, json={"filename": "x.csv"})
    assert (refused.status_code, refused.json["code"]) == (409, "import_space_exhausted")
