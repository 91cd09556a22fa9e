"""The CRM's HTTP API: generated operations (`crm_client.generated.api`), and a session that sends them well."""

from crm_client.answers import Refused, pages, wanted
from crm_client.sessions import ApiKey, Crm, Password

__all__ = ["ApiKey", "Crm", "Password", "Refused", "pages", "wanted"]
