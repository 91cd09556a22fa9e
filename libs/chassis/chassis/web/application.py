"""The Flask application of a service: who calls, one transaction a request, one log line, problems for failures."""

import hmac
import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Any

import flask_smorest
import structlog
import uuid_utils
from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.routing import BaseConverter, Rule, ValidationError
from werkzeug.wsgi import ClosingIterator

from chassis import tracing
from chassis.config import WAITING_THREADS, Settings
from chassis.context import Context, acting_as, current
from chassis.db.idempotency import Claim, StoredAnswer
from chassis.db.session import Database
from chassis.errors import Forbidden
from chassis.references.asking import References
from chassis.service import Service
from chassis.web import health, measures, problems
from chassis.web.auth import PUBLIC, Principal, TokenVerifier, check_permission, own_only, public
from chassis.web.bodies import take_body
from chassis.web.deadlines import Deadlines
from chassis.web.denials import Denials, documented
from chassis.web.keys import KeySet
from chassis.web.places import CostlyPlaces, Places, Room, asks_much
from chassis.web.purges import company_purges
from chassis.web.read_through import read_through, retry_deadlocks
from chassis.web.request import this_request
from chassis.web.schemas import LARGEST_BODY, LARGEST_ID, Problem
from chassis.web.waiting import prefers_to_wait, waited

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")

log = structlog.get_logger()


class IdConverter(BaseConverter):
    """An id in a path: what cannot be one of ours is not found, instead of overflowing in the database."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """The id. Raises ValidationError, which werkzeug takes for no match."""
        number = int(value)
        if number > LARGEST_ID:
            raise ValidationError
        return number


class NoSessions(SecureCookieSessionInterface):
    """Requests carry tokens; there is no cookie to read or write."""

    def open_session(self, app: Flask, request: Request) -> None:  # Flask's signature.
        """Open nothing."""

    def make_null_session(self, app: Flask) -> Any:  # noqa: ARG002  # Flask's signature.
        """Give Flask a session that it need not look at."""
        return _NO_SESSION

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing."""


_NO_SESSION: dict[str, Any] = {}


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest ships no types.
    """flask-smorest's OpenAPI document, with problems as its errors; the chassis answers them itself."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Leave errors to chassis.web.problems."""

    def _register_responses(self) -> None:
        """Describe every error as a problem document."""
        content = {problems.CONTENT_TYPE: {"schema": Problem}}
        self.spec.components.response("DEFAULT_ERROR", {"description": "A problem (RFC 9457).", "content": content})


class ServiceApplication(Flask):
    """A service as a WSGI application. Every route has declared its access, or the application refuses to start."""

    def __init__(self, service: Service, settings: Settings, database: Database, *, threads: int | None = None) -> None:
        """`threads` is how many requests are worked on at a time; None bounds no tenant's, as without a gateway."""
        super().__init__(service.name, static_folder=None)
        self.service = service
        self.database = database
        self.verifier = TokenVerifier(
            KeySet(settings.jwks_url), issuer=settings.token_issuer, audience=settings.token_audience
        )
        self.denials = Denials(database, service.name)
        self.deadlines = Deadlines()
        tenant_places = None if threads is None else max(threads - 1, 1)
        self.places = Places(tenant_places)
        costly = None if tenant_places is None else max(tenant_places // 2, 1)
        self.costly_places = CostlyPlaces(costly, waiting=(tenant_places or 0) - (costly or 0))
        # Who may wait has threads besides, and is at work in these no longer than others are.
        waiting = None if threads is None else threads * WAITING_THREADS
        self.begun_places, self.room = Places(waiting), Room(waiting)
        self.references = References(service.references, settings, database)
        self.access: dict[str, str] = {}
        self.costly: set[str] = set()
        self.heeding_wait: set[str] = set()
        self.session_interface = NoSessions()
        self.url_map.converters["id"] = IdConverter
        # An address has one spelling: what is read as another one elsewhere, such as by a limit, is not found.
        self.url_map.strict_slashes = True
        self.url_map.merge_slashes = False
        self.config.update(
            MAX_CONTENT_LENGTH=LARGEST_BODY,
            PROVIDE_AUTOMATIC_OPTIONS=False,
            CURSOR_SECRET=settings.cursor_secret,
            SETTINGS=settings,
        )
        problems.register(self, service.conflicts)
        health.register(self, database, service.migrations)
        self._describe(service, settings)
        for endpoint, view in self.view_functions.items():
            access = getattr(view, "access", None)
            if access is None:
                raise TypeError(f"the route {endpoint} declares neither a permission nor that it is public")
            self.access[endpoint] = access
            if getattr(view, "costly", False):
                self.costly.add(endpoint)
            if getattr(view, "heeds_wait", False):
                self.heeding_wait.add(endpoint)

    def _describe(self, service: Service, settings: Settings) -> None:
        """Register the blueprints with their OpenAPI document, served at /openapi.json to the inside."""
        self.config.update(
            API_TITLE=service.title,
            API_VERSION=settings.service_version,
            OPENAPI_VERSION="3.1.0",
            API_SPEC_OPTIONS={
                "servers": [{"url": "/"}],
                "security": [{"token": []}],
                "components": {
                    "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
                },
            },
        )
        api = Api(self)
        api.register_converter(IdConverter, _describe_id)
        for blueprint in (*service.blueprints(), company_purges()):
            api.register_blueprint(blueprint)
        self.document: dict[str, Any] = _complete(api.spec.to_dict(), self)

        @public
        def openapi() -> Any:
            return self.json.response(self.document)

        self.add_url_rule("/openapi.json", view_func=openapi)

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, and cut its connection where it is not over in time."""
        connection = environ.get("gunicorn.socket")
        if connection is None:
            return super().wsgi_app(environ, start_response)
        exchange = environ["chassis.exchange"] = self.deadlines.begin(connection)
        environ["chassis.start_response"] = start_response
        try:
            parts = super().wsgi_app(environ, start_response)
        except BaseException:
            self.deadlines.end(exchange)
            raise
        return ClosingIterator(parts, lambda: self.deadlines.end(exchange))

    def full_dispatch_request(self) -> Response:
        """Answer one request inside its context, then count it and log it in one line."""
        started = time.perf_counter()
        asked = this_request()
        method = asked.method
        given = asked.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.match(given) else str(uuid_utils.uuid7())
        g.principal = None
        span = tracing.span(method, "server", parent=_traceparent(asked), http_request_method=method)
        with span, acting_as(Context(request_id=request_id)):
            response = super().full_dispatch_request()
            response.headers["X-Request-Id"] = request_id
            seconds = time.perf_counter() - started
            route = "unrouted" if asked.url_rule is None else asked.url_rule.rule
            status = response.status_code
            measures.observe(method, route, status, seconds)
            tracing.rename(f"{method} {route}", http_route=route, http_response_status_code=status)
            principal: Principal | None = g.principal
            # What the system's own processes ask every second would bury the requests.
            probe = route in ("/livez", "/readyz") or (route.startswith("/internal/") and status == HTTPStatus.OK)
            write = log.debug if probe else log.info
            write(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 2),
                company_id=principal and principal.company_id,
                user_id=principal and principal.user_id,
            )
            return response

    def dispatch_request(self) -> Response:
        """Authenticate, run the view in one transaction, commit, answer. Any exception rolls back."""
        asked = this_request()
        take_body(asked)
        if asked.routing_exception is not None:
            self.raise_routing_exception(asked)
        rule = asked.url_rule
        assert rule is not None
        access = self.access[rule.endpoint]
        principal = None if access == PUBLIC else self.verifier.verify(asked.headers.get("Authorization"))
        g.principal = principal
        with acting_as(_context(asked, principal, access)):
            if principal is None:
                return self._serve(asked, rule)
            try:
                check_permission(principal, access)
                waits = rule.endpoint in self.heeding_wait and prefers_to_wait()
                places = self.begun_places if waits else self.places
                with places.taken(principal.company_id), self._costly_place(asked, rule, principal.company_id):
                    response = read_through(self.references, lambda: self._serve(asked, rule))
                return waited(response, self.room, principal.company_id) if waits else response
            except Forbidden as refusal:
                self.denials.record(principal, asked.method, rule.rule, refusal)
                raise

    def _costly_place(self, asked: Request, rule: Rule, company_id: int) -> AbstractContextManager[None]:
        """A place for what may look at all records of a tenant, before it has a connection to the database."""
        if rule.endpoint in self.costly or asks_much(asked.query_string):
            return self.costly_places.taken(company_id)
        return nullcontext()

    def _serve(self, asked: Request, rule: Rule) -> Response:
        """Run the view, and again where its transaction was ended by a deadlock."""
        return retry_deadlocks(lambda: self._attempt(asked, rule))

    def _attempt(self, asked: Request, rule: Rule) -> Response:
        """Run the view in one transaction, under its idempotency key if there is one."""
        view = self.view_functions[rule.endpoint]
        arguments: dict[str, Any] = asked.view_args or {}
        with self.database.session() as session:
            g.session = session
            key = asked.headers.get("Idempotency-Key")
            if key is None or asked.method != "POST" or g.principal is None:
                response: Any = view(**arguments)
            else:
                response = self._once(Claim(f"POST {rule.rule}", key, self._fingerprint(arguments)), view, arguments)
            # A HEAD is answered as a GET would be (RFC 9110, 9.3.2), but nothing was handed out that could be noted.
            if session.in_transaction() and asked.method != "HEAD":
                session.commit()
            assert isinstance(response, Response)
            return response

    def _once(self, claim: Claim, view: Any, arguments: dict[str, Any]) -> Response:
        """Run the view under its idempotency key, or answer again what it answered the first time.

        An answer that nobody may keep (RFC 9111, 5.2.2.5) holds a secret; the claim is kept without it, and without one
        that is larger than any request, so that nobody fills the disk with answers. A refusal that was returned, so
        that what it counted is committed, leaves the key free like any other.
        """
        stored = claim.take(g.session)
        if stored is not None:
            return Response(stored.body, stored.status, {**stored.headers, "Idempotent-Replayed": "true"})
        response: Response = view(**arguments)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            return response
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        body = None if response.cache_control.no_store else response.get_data()
        if body is not None and len(body) > LARGEST_BODY:
            body = None
        claim.store(g.session, StoredAnswer(response.status_code, headers, body))
        return response

    def _fingerprint(self, arguments: dict[str, Any]) -> bytes:
        """What makes two requests the same: the path's parameters and the body's bytes.

        With a key, because a body may hold a password, and who reads the table could try out passwords on a mere hash.
        """
        content = repr(sorted(arguments.items())).encode() + b"\x00" + request.get_data(cache=True)
        return hmac.digest(self.config["CURSOR_SECRET"].encode(), b"request\x00" + content, "sha256")


def _context(asked: Request, principal: Principal | None, access: str) -> Context:
    """The context of the view: what the token says, if the route asks for one."""
    headers = asked.headers
    # What follows is caused by the request's own span, where there is one.
    traceparent = tracing.traceparent() or _traceparent(asked)
    # The gateway sets it to one address; from anywhere else it is text of any length.
    client_ip = (headers.get("X-Forwarded-For") or asked.remote_addr or "")[:64] or None
    user_agent = headers.get("User-Agent")
    if user_agent is not None:
        user_agent = user_agent[:500].replace("\x00", "")
    request_id = current().request_id
    if principal is None:
        return Context(request_id=request_id, client_ip=client_ip, user_agent=user_agent, traceparent=traceparent)
    return Context(
        company_id=principal.company_id,
        user_id=principal.user_id,
        permissions=principal.permissions,
        own_only=own_only(principal, access),
        session_id=principal.session_id,
        request_id=request_id,
        client_ip=client_ip,
        user_agent=user_agent,
        traceparent=traceparent,
    )


def _traceparent(asked: Request) -> str | None:
    """The trace that the request says it is part of."""
    given = asked.headers.get("traceparent")
    return given if given is not None and _TRACEPARENT.match(given) else None


def _describe_id(_: BaseConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 1}


def _complete(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """Give every operation a unique operationId, and say which need no token."""
    outside = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.rule.startswith("/internal/")}
    names = Counter(app.view_functions[endpoint].__name__ for endpoint in outside)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method, operation in document["paths"].get(documented(rule.rule), {}).items():
            if method.upper() not in (rule.methods or ()):
                continue
            # Two nouns of a service may have a view of one name.
            unique = names[view.__name__] <= 1
            operation["operationId"] = view.__name__ if unique else re.sub(r"\W", "_", rule.endpoint)
            access = getattr(view, "access", None)
            if access == PUBLIC:
                operation["security"] = []
            else:
                operation["x-permission"] = access
    return document
