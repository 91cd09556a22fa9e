"""Certificates for tests: each signs itself, so that its file is the authority too."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_certificate(path: Path, name: str = "localhost") -> Path:
    """Write a certificate of a server of that name with its key to one file, and return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def connect(port: int, context: ssl.SSLContext, *, timeout: float) -> ssl.SSLSocket:
    """Open a connection to "localhost" at this port; a call on it waits for `timeout` seconds at most.

    It is wrapped before it is connected: one whose other side hangs up at once is left open by `wrap_socket`.

    Raises:
        OSError: Nobody listens, or the other side or its certificate is refused.

    """
    connection = context.wrap_socket(socket.socket(), server_hostname="localhost")
    connection.settimeout(timeout)
    try:
        connection.connect(("127.0.0.1", port))
    except OSError:
        connection.close()
        raise
    return connection
