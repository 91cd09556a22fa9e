"""The WSGI application: the folder that was built, an address for each page, and a problem for everything else."""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from whitenoise import WhiteNoise

Environment = dict[str, Any]
StartResponse = Callable[..., Any]

KEPT_SECONDS = 365 * 24 * 3600
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Of the page of events alone: its component compiles JSON Schemas to functions. No token is ever entered there.
_POLICY_OF_EVENTS = _POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'")
# Programs are to be read and saved, whatever a table of types makes of their endings (`.ts` is a video there).
_SOURCES = (".sh", ".py", ".ts")
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def application(folder: Path) -> Callable[[Environment, StartResponse], Iterable[bytes]]:
    """The application that serves `folder`, which does not change while it runs."""
    files = WhiteNoise(
        _nothing_here,
        root=folder,
        max_age=0,
        allow_all_origins=False,
        add_headers_function=_add_headers,
        immutable_file_test=lambda _, url: url.startswith("/assets/"),
    )

    def serve(environ: Environment, start_response: StartResponse, name: str) -> Iterable[bytes]:
        content: Iterable[bytes] = files({**environ, "PATH_INFO": name}, start_response)
        return content

    def answer(environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ("/livez", "/readyz"):
            return _answer(start_response, "200 OK", {"status": "ready"}, "application/json")
        if path == "/":
            name = "/index.html" if "text/html" in environ.get("HTTP_ACCEPT", "") else "/index.json"
            return serve(environ, _by_accept(start_response), name)
        if "." not in path.rpartition("/")[2]:
            return serve(environ, start_response, f"{path}.html")
        return serve(environ, start_response, path)

    return answer


def _add_headers(headers: Headers, path: str, url: str) -> None:
    for name, value in _SECURITY.items():
        headers[name] = value
    headers["ETag"] = f'"{sha256(Path(path).read_bytes()).hexdigest()[:32]}"'
    if not url.startswith("/assets/"):
        headers["Cache-Control"] = "no-cache"
    if url.endswith(".html"):
        headers["Content-Security-Policy"] = _POLICY_OF_EVENTS if url == "/docs/events.html" else _POLICY
    if url.endswith(".md"):
        headers["Content-Type"] = "text/markdown; charset=utf-8"
    elif url.endswith(_SOURCES):
        headers["Content-Type"] = "text/plain; charset=utf-8"


def _by_accept(start_response: StartResponse) -> StartResponse:
    """Say that the answer depends on what the client accepts."""

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() != "vary"]
        return start_response(status, [*kept, ("Vary", "Accept, Accept-Encoding")], *more)

    return start


def _nothing_here(environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
    problem = {
        "type": "urn:crm:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not_found",
        "request_id": environ.get("HTTP_X_REQUEST_ID", ""),
    }
    return _answer(start_response, "404 Not Found", problem, "application/problem+json")


def _answer(start_response: StartResponse, status: str, value: Any, content_type: str) -> Iterable[bytes]:
    body = json.dumps(value, separators=(",", ":")).encode()
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]
