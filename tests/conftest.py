"""What every test of the whole system begins with: a company of its own."""

import uuid

import pytest
import requests


@pytest.fixture(scope="session")
def register():
    """Register a company through a gateway: `register(api)` with its `…/v1` answers what was sent and what came back."""

    def register_at(api):
        name = uuid.uuid4().hex[:12]
        body = {
            "company": {"name": f"Company {name}", "email": f"info@{name}.example"},
            "user": {
                "email": f"ada@{name}.example",
                "password": "correct horse battery",
                "first_name": "Ada",
                "last_name": "Lovelace",
            },
        }
        answer = requests.post(f"{api}/auth/register", json=body, timeout=15)
        assert answer.status_code == 201, answer.text
        return body, answer.json()

    return register_at
