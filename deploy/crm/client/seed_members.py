"""The demo companies' sales people join as anybody does: an invitation, its letter, an account."""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from crm.client.api import Api, RefusedError
from crm.client.demo import Member
from crm.errors import OperatorError
from crm.http_client import ask

_OK = 200
_LETTER_SECONDS = 20.0
_PAUSE = 0.05
_SECRET = re.compile(r"invitations#token=([A-Za-z0-9_-]+)")


def join_members(
    api: Api, gateway_url: str, members: Sequence[Member], passwords: Mapping[str, str], mail: Path
) -> None:
    """Make members of those who are none; `mail` is where letters are written. Raises OperatorError."""
    known = {member["email"] for member in api.get("/users?limit=100").body["data"]}
    missing = [member for member in members if member.email not in known]
    if not missing:
        return
    for member in missing:
        _invite(api, member)
    # Most of the time goes into hashing their passwords, which identity does side by side.
    with ThreadPoolExecutor(len(missing)) as pool:
        list(pool.map(lambda member: _accept(gateway_url, member, passwords[member.email], mail), missing))


def _invite(api: Api, member: Member) -> None:
    try:
        api.post("/invitations", {"email": member.email, "role": member.role})
    except RefusedError as refusal:
        # A run that died in between has invited them, and the letter is there.
        if refusal.code != "invitation_pending":
            raise


def _accept(gateway_url: str, member: Member, password: str, mail: Path) -> None:
    body = {
        "token": _secret(member, mail),
        "first_name": member.first_name,
        "last_name": member.last_name,
        "password": password,
    }
    answer = ask(f"{gateway_url}/v1/invitations/accept", method="POST", body=body, timeout=30.0)
    if answer.status != _OK:
        raise OperatorError(f"{member.email} cannot join: {answer.detail}")


def _secret(member: Member, mail: Path) -> str:
    """What is in the last letter of invitation to them, as soon as it is there."""
    until = time.monotonic() + _LETTER_SECONDS
    while time.monotonic() < until:
        for path in sorted(mail.glob("*.eml"), reverse=True):
            letter = message_from_bytes(path.read_bytes(), policy=default)
            found = _SECRET.search(letter.get_content()) if letter["To"] == member.email else None
            if found:
                return found[1]
        time.sleep(_PAUSE)
    raise OperatorError(f"no invitation for {member.email} has come to {mail}; see: make logs S=identity")
