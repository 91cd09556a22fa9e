"""Demo data through the public API, as any client would send it; running it again changes nothing."""

from dataclasses import dataclass

from crm.credentials import Credentials
from crm.demo import TENANTS, Tenant, customers
from crm.errors import OperatorError
from crm.http_client import Answer, ask

_OK, _CREATED, _CONFLICT = 200, 201, 409


@dataclass(frozen=True)
class Seeded:
    """How many records a run has created, and how many it found."""

    created: int
    found: int


def password_of(credentials: Credentials, tenant: Tenant) -> str:
    return credentials.password(f"demo_{tenant.key}_admin")


def sign_in(gateway_url: str, credentials: Credentials, tenant: Tenant) -> str:
    """An access token of the tenant's admin. Raises OperatorError with the gateway's reason."""
    body = {"email": tenant.email, "password": password_of(credentials, tenant)}
    answer = _ask(f"{gateway_url}/v1/auth/login", body)
    if answer.status != _OK:
        raise OperatorError(f"{tenant.email} cannot sign in: {answer.detail} (no demo data yet? make seed)")
    return str(answer.body["access_token"])


def seed(gateway_url: str, credentials: Credentials) -> Seeded:
    """Register the two demo companies and create their customers, as far as they are not there."""
    created = found = 0
    for tenant in TENANTS:
        token = _register(gateway_url, credentials, tenant)
        for customer in customers(tenant):
            answer = _ask(f"{gateway_url}/v1/customers", customer, token)
            if answer.status == _CREATED:
                created += 1
            elif answer.status == _CONFLICT:
                # The customer code says that it is there already, archived or not.
                found += 1
            else:
                raise OperatorError(f"demo customer {customer['customer_code']} was refused: {answer.detail}")
    return Seeded(created, found)


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
