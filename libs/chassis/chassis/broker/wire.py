"""Where the broker is, and a connection of pika to it that moves bytes in large pieces."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika

# A read of pika's own 4 KiB holds three events. What is read is copied once for each frame in it, so more costs more.
READ_BYTES = 16 * 1024
# As much as goes into a socket's buffer at once: of what does not, the rest is copied with each try.
WRITE_BYTES = 64 * 1024


class Address(pika.URLParameters):  # type: ignore[misc]  # pika ships no types.
    """Where the broker is. `amqps://` verifies it, by the authorities of `cacertfile` if the URL names that file.

    The parameter is the one of RabbitMQ's own clients: https://www.rabbitmq.com/docs/uri-query-parameters
    """

    ssl_options: Any

    def _set_url_cacertfile(self, value: str) -> None:  # pika finds it by the name of the parameter.
        if self.ssl_options is None:
            raise ValueError("cacertfile is for amqps:// alone")
        self.ssl_options = pika.SSLOptions(ssl.create_default_context(cafile=value), self.host)


class Wire(pika.SelectConnection):  # type: ignore[misc]  # pika ships no types.
    """As pika makes it, but for how much it reads and writes at a time.

    By itself it makes a system call for each frame, and a message is three of them. Each call lets go of the
    interpreter, which another thread may then keep for milliseconds; and each frame is a packet that the broker wakes
    up for.
    """

    _held: list[bytes] | None = None
    _size = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what the block hands over in few pieces. On the I/O thread, and nothing in the block may wait."""
        self._held = []
        try:
            yield
        finally:
            self._release()
            self._held = None

    def _adapter_emit_data(self, data: bytes) -> None:
        if self._held is None:
            super()._adapter_emit_data(data)
            return
        self._held.append(data)
        self._size += len(data)
        if self._size >= WRITE_BYTES:
            self._release()

    def _release(self) -> None:
        if self._held:
            super()._adapter_emit_data(b"".join(self._held))
            self._held.clear()
        self._size = 0

    def _proto_connection_made(self, transport: Any) -> None:
        transport._MAX_RECV_BYTES = READ_BYTES  # noqa: SLF001  # There is no other way to say it.
        super()._proto_connection_made(transport)
