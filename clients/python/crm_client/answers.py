"""What is answered: the record that was wanted, or a refusal; and lists, page by page."""

from collections.abc import Iterator
from typing import Any

import httpx


class Refused(Exception):
    """What the CRM refused. `code` is stable, the text is for people, and `request_id` finds it in the CRM's logs."""

    def __init__(self, status: int, code: str, detail: str, *, request_id: str = "", errors: Any = ()) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.status = status
        self.code = code
        self.request_id = request_id
        self.errors = errors


def wanted(answer: Any) -> Any:
    """The record of a generated operation's answer (`sync_detailed`). Raises Refused for everything that is no 2xx."""
    if httpx.codes.is_success(answer.status_code):
        return answer.parsed
    raise refusal(answer.status_code, answer.content)


def refusal(status: int, body: bytes) -> Refused:
    """A problem document (RFC 9457), or OAuth 2.0's error, as an exception."""
    try:
        said = httpx.Response(status, content=body).json()
    except ValueError:
        said = {}
    code = said.get("code") or said.get("error") or "no_code"
    detail = said.get("detail") or said.get("error_description") or "The answer says nothing."
    return Refused(int(status), code, detail, request_id=said.get("request_id", ""), errors=said.get("errors", ()))


def pages(operation: Any, client: Any, **parameters: Any) -> Iterator[Any]:
    """All records of a list, such as `pages(list_customers, crm.client, status=…)`, asked for page by page."""
    while True:
        page = wanted(operation.sync_detailed(client=client, **parameters))
        yield from page.data
        if not page.page.has_more:
            return
        parameters["cursor"] = page.page.next_cursor
