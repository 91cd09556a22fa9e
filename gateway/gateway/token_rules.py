"""The canonical form of an access token as regular expressions that HAProxy's PCRE2 reads."""

import base64

# The scheme's case is free (RFC 9110 §11.1), the rest is not: one space, three base64url parts, no padding, and no
# stray bits at the end of the signature, so that one signature has one spelling (RFC 4648 §3.5).
_CHARACTER = "[A-Za-z0-9_-]"
AUTHORIZATION = (
    rf"^(?i:bearer) {_CHARACTER}+\.{_CHARACTER}+"
    rf"\.(?:{_CHARACTER}{{4}})+(?:{_CHARACTER}[AQgw]|{_CHARACTER}{{2}}[AEIMQUYcgkosw048])?\z"
)


def _id_pattern() -> str:
    """Return a pattern of the decimal numbers from 1 to 2^63 - 1, which PostgreSQL's bigint and so our ids can be."""
    largest = str(2**63 - 1)
    branches = [f"[1-9][0-9]{{0,{len(largest) - 2}}}"]
    for place, digit in enumerate(largest):
        lowest = 1 if place == 0 else 0
        if int(digit) > lowest:
            branches.append(f"{largest[:place]}[{lowest}-{int(digit) - 1}][0-9]{{{len(largest) - place - 1}}}")
    return f"(?:{'|'.join([*branches, largest])})"


# How long a token is good: identity's rule, which the gateway has to know to tell how old is too old.
LIFE_SECONDS = 600

_ID = _id_pattern()
_UUID = "[0-9a-f-]{36}"
PAYLOAD = (
    rf'^\{{"iss":"crm","aud":"crm","sub":"{_ID}","company_id":{_ID},"role":"[a-z_]{{1,32}}"'
    rf',"scope":"[a-z:_ -]{{0,2000}}","sid":"{_UUID}","jti":"{_UUID}"'
    r',"ver":[0-9]{1,9},"iat":[0-9]{10},"exp":[0-9]{10}\}\z'
)


def header_segment(kid: str) -> str:
    """Return the only first part that a token signed with `kid` may have: its canonical header in base64url."""
    header = f'{{"typ":"at+jwt","alg":"RS256","kid":"{kid}"}}'
    return base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
