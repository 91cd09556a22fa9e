"""Demo data through the public API, as any client would send it; running it again changes nothing."""

import io
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crm.client.api import Api, fixed
from crm.client.demo import TENANTS, Tenant, contacts, write_csv
from crm.client.importing import Import, Imports, Options
from crm.client.seed_members import join_members
from crm.client.seed_selling import add_selling
from crm.client.seed_work import add_work
from crm.credentials import Credentials
from crm.errors import OperatorError
from crm.http_client import Answer, ask

_OK, _CREATED, _UNAUTHENTICATED, _CONFLICT = 200, 201, 401, 409
_KNOWN_SECONDS = 20.0
_SHOWN_ERRORS = 100
_OPTIONS = Options(mode="upsert", match_by="customer_code")
_MEANT = (("Owner", "assigned_to"), ("Industry", "industry"))


@dataclass(frozen=True)
class Seeded:
    """How many customers a run has created, and how many it found (and set back to what they were, if need be)."""

    created: int
    found: int


def password_of(credentials: Credentials, tenant: Tenant) -> str:
    return credentials.password(f"demo_{tenant.key}_admin")


def sign_ins(credentials: Credentials, tenant: Tenant) -> list[tuple[str, str, str]]:
    """The e-mail address, the role and the password of everybody in a demo company."""
    found = [(tenant.email, "admin", password_of(credentials, tenant))]
    return found + [
        (member.email, member.role, credentials.password(f"demo_{member.email}")) for member in tenant.members
    ]


def table_of_sign_ins(credentials: Credentials) -> list[tuple[str, str, str, str]]:
    """All of them with their company, under a line of captions."""
    rows = [("COMPANY", "ROLE", "E-MAIL", "PASSWORD")]
    for tenant in TENANTS:
        rows += [(tenant.company, role, email, password) for email, role, password in sign_ins(credentials, tenant)]
    return rows


def sign_in(gateway_url: str, credentials: Credentials, tenant: Tenant) -> str:
    """An access token of the tenant's admin. Raises OperatorError with the gateway's reason."""
    body = {"email": tenant.email, "password": password_of(credentials, tenant)}
    answer = _ask(f"{gateway_url}/v1/auth/login", body)
    if answer.status != _OK:
        hint = " (no demo data yet? make seed)" if answer.status == _UNAUTHENTICATED else ""
        raise OperatorError(f"{tenant.email} cannot sign in: {answer.detail}{hint}")
    return str(answer.body["access_token"])


def seed(gateway_url: str, credentials: Credentials, letters: Path) -> Seeded:
    """Register the demo companies and bring them members, customers and work, as far as that is not there.

    `letters` is the folder that the system writes its letters to.
    """
    # Passwords are made up here: the file that keeps them is written by one at a time.
    passwords = {tenant.key: dict(_passwords(credentials, tenant)) for tenant in TENANTS}
    # One waits for the worker while the other works.
    with ThreadPoolExecutor(len(TENANTS)) as pool:
        work = [
            pool.submit(_seed, gateway_url, credentials, tenant, passwords[tenant.key], letters) for tenant in TENANTS
        ]
        done = [each.result() for each in work]
    return Seeded(sum(seeded.created for seeded in done), sum(seeded.found for seeded in done))


def _passwords(credentials: Credentials, tenant: Tenant) -> list[tuple[str, str]]:
    return [(email, password) for email, _, password in sign_ins(credentials, tenant)]


def _seed(
    gateway_url: str, credentials: Credentials, tenant: Tenant, passwords: dict[str, str], letters: Path
) -> Seeded:
    api = Api(gateway_url, fixed(_register(gateway_url, credentials, tenant)))
    join_members(api, gateway_url, tenant.members, passwords, letters)
    seeded = _import_customers(Imports(api), tenant)
    # Not in the list is who was archived.
    codes = {customer["customer_code"]: customer["id"] for customer in _all(api, "/customers?fields=id,customer_code")}
    _add_contacts(api, tenant, codes)
    add_work(api, tenant, codes)
    add_selling(api, tenant, codes)
    return seeded


def _import_customers(imports: Imports, tenant: Tenant) -> Seeded:
    import_id = imports.begin(f"{tenant.key}.csv", _OPTIONS)["id"]
    uploaded = imports.upload(import_id, io.BytesIO(write_csv(tenant, datetime.now(UTC))))
    # Said and not left to the proposal, which doubts owners as long as the service has heard of none of the members.
    imports.change_mapping(uploaded, _MEANT)
    known = _validated(imports, import_id)
    found = known["unchanged_rows"] + known["updated_rows"] + known["failed_rows"]
    if not known["created_rows"] + known["updated_rows"]:
        imports.cancel(import_id)
        return Seeded(0, found)
    done = imports.follow(imports.start(import_id))
    if done["failed_rows"] > known["failed_rows"] or not done["state"].startswith("completed"):
        raise OperatorError(f"the demo customers of {tenant.company} were not imported: {_why(imports, done)}")
    return Seeded(done["created_rows"], found)


def _validated(imports: Imports, import_id: int) -> Import:
    """The import, validated again until the customers service has heard of the members who joined a moment ago."""
    until = time.monotonic() + _KNOWN_SECONDS
    while True:
        known = imports.follow(imports.validate(import_id))
        codes = {error["code"] for error in imports.errors(import_id, _SHOWN_ERRORS)} if known["failed_rows"] else set()
        # Whoever archived or merged a demo customer wants it so.
        if known["state"] == "awaiting_confirmation" and codes <= {"customer_archived"}:
            return known
        if codes - {"customer_archived"} != {"unknown_user"} or time.monotonic() > until:
            reason = _why(imports, known)
            imports.cancel(import_id)
            raise OperatorError(f"demo customers were refused: {reason}")


def _why(imports: Imports, known: Import) -> str:
    errors = imports.errors(known["id"], 1)
    if errors:
        return f"line {errors[0]['line']}: {errors[0]['column_name']}: {errors[0]['message']}"
    return str(known["error_detail"] or known["state"])


def _add_contacts(api: Api, tenant: Tenant, codes: Mapping[str, int]) -> None:
    wanted = contacts(tenant)
    known = {contact["email"] for contact in _all(api, "/contacts?fields=email")}
    missing = [contact for contact in wanted if contact.email not in known]
    if not missing:
        return
    for contact in missing:
        values = asdict(contact)
        customer_id = codes.get(values.pop("customer_code"))
        if customer_id is not None:
            api.post(f"/customers/{customer_id}/contacts", values)


def _all(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more = ""
    while True:
        page = api.get(f"{path}&limit=100{more}").body
        found += page["data"]
        if not page["page"]["has_more"]:
            return found
        more = f"&cursor={page['page']['next_cursor']}"


def _register(gateway_url: str, credentials: Credentials, tenant: Tenant) -> str:
    body = {
        "company": {"name": tenant.company, "email": f"office@{tenant.email.partition('@')[2]}"},
        "user": {
            "email": tenant.email,
            "password": password_of(credentials, tenant),
            "first_name": tenant.first_name,
            "last_name": tenant.last_name,
        },
    }
    answer = _ask(f"{gateway_url}/v1/auth/register", body)
    if answer.status == _CREATED:
        return str(answer.body["access_token"])
    if answer.status == _CONFLICT:
        return sign_in(gateway_url, credentials, tenant)
    raise OperatorError(f"{tenant.company} cannot be registered: {answer.detail}")


def _ask(url: str, body: object, token: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return ask(url, method="POST", body=body, headers=headers)
    except OSError as error:
        raise OperatorError(
            f"the gateway does not answer ({error.strerror or error}); start it with: make up"
        ) from None
