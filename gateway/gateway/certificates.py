"""The gateway's certificate: read from its files as one text, and put in the place of the one that HAProxy has."""

from pathlib import Path

from gateway.runtime import Conversation, RuntimeApiError


def read(path: Path) -> str:
    """The certificates of `path` with their key, which is among them or in a file beside it. Raises OSError."""
    text = path.read_text()
    key = path.with_suffix(".key")
    if key != path and "PRIVATE KEY" not in text:
        text = f"{text.rstrip()}\n{key.read_text()}"
    # An empty line would end what HAProxy reads of it.
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())


def replace(conversation: Conversation, path: Path, pem: str) -> None:
    """Have HAProxy show `pem` to whoever connects from now; connections that are open go on. Raises OSError."""
    name = str(path).replace(" ", "\\ ")
    said = conversation.ask(f"set ssl cert {name} <<\n{pem}")
    if "ransaction" not in said:
        raise RuntimeApiError(f"HAProxy does not take the certificate: {said}")
    said = conversation.ask(f"commit ssl cert {name}")
    if "Success" not in said:
        conversation.ask(f"abort ssl cert {name}")
        raise RuntimeApiError(f"HAProxy does not take the certificate: {said}")
