"""What people do about their passwords and sessions."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def change(http: Any) -> Any:
    def post(headers: Any, old: str, new: str = "another horse battery") -> Any:
        return http.post("/v1/auth/password", json={"current_password": old, "new_password": new}, headers=headers)

    return post


@pytest.fixture
def forget(http: Any) -> Any:
    def post(email: str) -> Any:
        return http.post("/v1/auth/password/forgot", json={"email": email})

    return post


@pytest.fixture
def reset(http: Any) -> Any:
    def post(token: str, new: str = "another horse battery") -> Any:
        return http.post("/v1/auth/password/reset", json={"token": token, "new_password": new})

    return post


@pytest.fixture
def link(forget: Any, answer: Any, letters: Any, token_of: Any) -> Any:
    """A token to set a new password with, as the account's address gets it."""

    def ask(email: str) -> Any:
        assert forget(email.swapcase()).status_code == 202
        answer()
        return token_of(letters(email)[-1])

    return ask


@pytest.fixture
def kinds(published: Callable[..., Any]) -> Any:
    """The kinds of the security events of a company, oldest first."""

    def read(company_id: int) -> Any:
        recorded = (event for event in published(company_id) if event["type"] == "crm.security_event.recorded.v1")
        return [event["data"]["after"]["kind"] for event in recorded]

    return read
