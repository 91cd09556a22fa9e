"""Signs in to an AMQP 0-9-1 broker and out again over a bare socket, to learn whether it serves a user and a vhost."""

import socket
import struct

from crm.errors import NotReadyError
from crm.ports import LOOPBACK

_FRAME_END = b"\xce"
_METHOD = 1
# (class, method) of the AMQP 0-9-1 connection handshake.
_START, _START_OK, _TUNE, _TUNE_OK, _OPEN, _OPEN_OK, _CLOSE, _CLOSE_OK = (
    (10, 10),
    (10, 11),
    (10, 30),
    (10, 31),
    (10, 40),
    (10, 41),
    (10, 50),
    (10, 51),
)


def sign_in(port: int, user: str, password: str, vhost: str, *, timeout: float = 2.0) -> None:
    """Open and close one connection; raise NotReadyError with the reason when the broker refuses or does not answer."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout) as wire:
            wire.sendall(b"AMQP\x00\x00\x09\x01")
            _expect(wire, _START)
            response = b"\x00" + user.encode() + b"\x00" + password.encode()
            _send(wire, _START_OK, struct.pack(">I", 0) + _short("PLAIN") + _long(response) + _short("en_US"))
            tune = _expect(wire, _TUNE)
            _send(wire, _TUNE_OK, tune[:8])
            _send(wire, _OPEN, _short(vhost) + b"\x00\x00")
            _expect(wire, _OPEN_OK)
            _send(wire, _CLOSE, struct.pack(">H", 200) + _short("") + struct.pack(">HH", 0, 0))
            _expect(wire, _CLOSE_OK)
    except OSError as error:
        raise NotReadyError(f"port {port}: {error.strerror or error}") from None


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _long(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _send(wire: socket.socket, method: tuple[int, int], arguments: bytes) -> None:
    payload = struct.pack(">HH", *method) + arguments
    wire.sendall(struct.pack(">BHI", _METHOD, 0, len(payload)) + payload + _FRAME_END)


def _expect(wire: socket.socket, method: tuple[int, int]) -> bytes:
    kind, _, size = struct.unpack(">BHI", _read(wire, 7))
    payload = _read(wire, size + 1)[:-1]
    got = struct.unpack(">HH", payload[:4]) if kind == _METHOD else None
    if got == _CLOSE:
        text = payload[7 : 7 + payload[6]].decode(errors="replace")
        raise NotReadyError(f"the broker refused: {text}")
    if got != method:
        raise NotReadyError(f"the broker answered {got} where {method} was due")
    return payload[4:]


def _read(wire: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = wire.recv(size - len(received))
        if not part:
            # RabbitMQ closes without a word when the user or the password is wrong.
            raise NotReadyError("the broker closed the connection")
        received += part
    return received
