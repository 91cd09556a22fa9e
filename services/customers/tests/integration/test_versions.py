"""Whatever changes a record that somebody has seen names the version that was seen: 428 without it, 412 when stale."""

import pytest

from chassis.web.denials import documented as documented_path

SCOPE = "customers:read customers:write customers:purge customers:import"
DEMANDING = {
    "/v1/customers/<id:customer_id>": {"PATCH", "DELETE"},
    "/v1/customers/<id:customer_id>/tags/<path:tag>": {"DELETE"},
    "/v1/customers/<id:customer_id>/purge": {"POST"},
    "/v1/customers/<id:customer_id>/merge": {"POST"},
    "/v1/customers/<id:customer_id>/merge/preview": {"POST"},
    "/v1/contacts/<id:contact_id>": {"PATCH", "DELETE"},
    "/v1/contacts/<id:contact_id>/purge": {"POST"},
    "/v1/customers/imports/<id:import_id>": {"PATCH"},
}
# A part of a file has no versions: the same number again takes the place of the first, until the file is complete.
PARTS = "/v1/customers/imports/<id:import_id>/parts/<id:number>"


@pytest.fixture
def client(client_of, company_id):
    return client_of(company_id, SCOPE)


@pytest.fixture
def places(client, imports):
    imports.client = client
    customer = client.post("/v1/customers", json={"name": "Ada", "tags": ["vip"]}).json
    other = client.post("/v1/customers", json={"name": "Twin"}).json
    contact = client.post(f"/v1/customers/{customer['id']}/contacts", json={"first_name": "Grace"}).json
    begun = imports.begin(imports.table(("name",), ("New",))).json
    ids = {"<id:customer_id>": customer, "<id:contact_id>": contact, "<id:import_id>": begun}
    bodies = {"merge": {"from": [{"id": other["id"], "version": 1}]}, "imports": {"delimiter": ","}}

    def place(rule):
        record = next(record for name, record in ids.items() if name in rule)
        path = rule.replace("<path:tag>", "vip")
        for name, known in ids.items():
            path = path.replace(name, str(known["id"]))
        body = bodies["merge"] if "/merge" in rule else bodies["imports"] if "imports" in rule else {}
        return path, record, body

    return place


def test_every_change_of_one_record_is_among_these(application):
    """POST /restore, /assign, /tags and /undo do without; that they heed what is given has tests of its own."""
    ours = [rule for rule in application.url_map.iter_rules() if rule.rule.startswith("/v1/")]
    changing = {(rule.rule, method) for rule in ours for method in rule.methods & {"PATCH", "PUT", "DELETE"}}
    assert changing - {(PARTS, "PUT")} <= {(rule, method) for rule, methods in DEMANDING.items() for method in methods}


@pytest.mark.parametrize("rule", sorted(rule for rule, methods in DEMANDING.items() if "PATCH" in methods))
def test_who_gets_a_record_is_told_the_version_that_a_change_demands(application, client, places, rule):
    path, record, _ = places(rule)
    got = client.get(path)
    assert (got.status_code, got.headers["ETag"]) == (200, f'"{record["version"]}"')
    documented = application.document["paths"][documented_path(rule)]
    for method in ("get", "patch"):
        assert documented[method]["responses"]["200"]["headers"]["ETag"]["schema"]["pattern"] == '^"[0-9]{1,9}"$'


def test_an_import_that_has_moved_on_is_never_called_unmodified(client, places):
    path, record, _ = places("/v1/customers/imports/<id:import_id>")
    again = client.get(path, headers={"If-None-Match": f'"{record["version"]}"'})
    assert (again.status_code, again.json["id"], again.headers["Cache-Control"]) == (200, record["id"], "no-store")


@pytest.mark.parametrize(
    ("rule", "method"), [(rule, method) for rule, methods in DEMANDING.items() for method in sorted(methods)]
)
def test_it_is_demanded_and_held_against_the_present_one(*, client, places, superuser, company_id, rule, method):
    path, record, body = places(rule)
    written = lambda: superuser.execute(  # noqa: E731  # Asked twice.
        "SELECT count(*) FROM outbox WHERE company_id = %s", (company_id,)
    ).fetchone()
    before = written()
    given = {} if method == "DELETE" or path.endswith("/purge") else {"json": body}
    assert client.request(method, path, **given).status_code == 428
    stale = client.request(method, path, version=record["version"] + 7, **given)
    assert (stale.status_code, stale.headers["ETag"]) == (412, f'"{record["version"]}"')
    assert written() == before
    assert client.request(method, path, version=record["version"], **given).status_code < 300
