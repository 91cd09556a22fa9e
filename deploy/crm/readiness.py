"""Whether a process is ready, asked of its own endpoint."""

import http.client

from crm.errors import NotReadyError
from crm.http_client import ask

_OK = 200


def check_endpoint(url: str) -> None:
    """Raise NotReadyError with the reason unless `url` answers 200."""
    try:
        answer = ask(url, timeout=5.0)
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise NotReadyError(f"no answer ({reason})") from None
    if answer.status != _OK:
        raise NotReadyError(answer.detail)
