"""What the tests over all services need to know of identity."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A key and an invitation beside the owner, who is a registered user and has signed in."""
    key = owner.create("/v1/api-keys", name=mark, scopes=[])
    invitation = owner.create("/v1/invitations", email=f"eve@{mark}.example", role="user")
    view = owner.create("/v1/views", screen="customers", name=mark, query=f"name={mark}")
    owner.client.patch("/v1/preferences", json={"settings": {"start": mark}})
    (session,) = owner.client.get("/v1/auth/sessions").json["data"]
    return {
        "user_id": owner.user_id,
        "company_id": owner.company_id,
        "view_id": view["id"],
        "session_id": session["id"],
        "key_id": key["id"],
        "invitation_id": invitation["id"],
    }


BATTERY = Battery(
    make=make,
    changes={
        "users": {"first_name": "Mallory"},
        "current": {"name": "Mallory's"},
        "views": {"name": "Mallory's"},
        "preferences": {"settings": {"start": "mallory"}},
    },
    deeds={"deactivate": {}, "purge": {"transfer_to": 7}},
    # Where somebody works is theirs to see in whatever company.
    of_the_caller=frozenset({"/v1/auth/companies", "/v1/companies", "/v1/preferences"}),
)
