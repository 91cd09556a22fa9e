"""flask-smorest's blueprint with our bodies, lists and answers: documentation that costs nothing at run time."""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, TypeVar

import flask_smorest
import marshmallow

from chassis.db.listing import Listing
from chassis.web import listing as lists
from chassis.web.expansion import expanding, parameter
from chassis.web.records import EXPANDED, RecordSchema
from chassis.web.request import CONTENT, load_body, load_content, load_form, load_query
from chassis.web.schemas import PageInfo
from chassis.web.selection import selecting

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest ships no types.
    """A service's routes. The decorators note the documentation on the view; only bodies and lists add a call."""

    def route(self, rule: str, *, methods: Sequence[str]) -> Callable[[View], View]:
        """Register the view for `rule` and `methods`, in the application and in its OpenAPI document."""
        decorate: Callable[[View], View] = super().route(rule, methods=list(methods))

        def register(view: View) -> View:
            if "GET" in methods:
                if names := getattr(view, "naming_users", ()):
                    view = expanding(view, names)
                    _note(view, "manual_doc", {"parameters": [parameter(names)]})
                if names := getattr(view, "record_fields", ()):
                    view = selecting(view, names)
                    _note(view, "manual_doc", {"parameters": [lists.fields_parameter(names)]})
            return decorate(view)

        return register

    def arguments(self, schema: type[marshmallow.Schema]) -> Callable[[View], View]:
        """Pass the JSON body, checked by `schema`, as the view's first argument."""
        return _with_body(schema, "json", load_body)

    def form(self, schema: type[marshmallow.Schema]) -> Callable[[View], View]:
        """Pass the body of a form, checked by `schema`, as the view's first argument (OAuth 2.0 asks for forms)."""
        return _with_body(schema, "form", load_form)

    def query(self, schema: type[marshmallow.Schema]) -> Callable[[View], View]:
        """Pass the parameters of the query string, checked by `schema`, as the view's first argument."""
        return _with_body(schema, "query", load_query, required=False)

    def content(self, view: View) -> View:
        """Pass the body as bytes, as the view's first argument (application/octet-stream)."""

        @wraps(view)
        def with_content(**path: Any) -> Any:
            return view(load_content(), **path)

        schema = {"type": "string", "format": "binary", "minLength": 1}
        body = {"required": True, "content": {CONTENT: {"schema": schema}}}
        _note(with_content, "manual_doc", {"requestBody": body})
        return with_content  # type: ignore[return-value]  # The same view with its body supplied.

    def listing(self, listing: Listing, schema: type[marshmallow.Schema]) -> Callable[[View], View]:
        """Pass the parsed ListQuery as the first argument, and document the page of `schema` documents."""
        page = _page_of(schema)

        def decorate(view: View) -> View:
            return self.response(200, page)(_with_query(view, listing, expands=bool(page.naming_users)))

        return decorate

    def exporting(self, listing: Listing) -> Callable[[View], View]:
        """Pass the parsed ListQuery as the first argument of a view that answers with a file."""

        def decorate(view: View) -> View:
            return self.response(200)(_with_query(view, listing))

        return decorate

    def response(self, status: int, schema: type[marshmallow.Schema] | None = None) -> Callable[[View], View]:
        """Document what the view answers; the view itself returns a ready response."""

        def decorate(view: View) -> View:
            document: dict[str, Any] = {"description": _PHRASES[status], "content_type": None}
            if schema is not None:
                document["schema"] = instance = schema()
                if "version" in instance.fields:
                    document["headers"] = {"ETag": _ETAG}
                view.naming_users = getattr(schema, "naming_users", ())  # type: ignore[attr-defined]  # See route.
                if issubclass(schema, RecordSchema):
                    view.record_fields = [name for name in instance.fields if name != EXPANDED]  # type: ignore[attr-defined]
            _note(view, "response", {"responses": {status: [document]}})
            return view

        return decorate


def _with_body(
    schema: type[marshmallow.Schema],
    place: str,
    read: Callable[[marshmallow.Schema], dict[str, Any]],
    *,
    required: bool = True,
) -> Callable[[View], View]:
    instance = schema()

    def decorate(view: View) -> View:
        @wraps(view)
        def with_body(**path: Any) -> Any:
            return view(read(instance), **path)

        _note(with_body, "arguments", {"parameters": [{"in": place, "required": required, "schema": schema}]})
        return with_body  # type: ignore[return-value]  # The same view with its body supplied.

    return decorate


def _with_query(view: View, listing: Listing, *, expands: bool = False) -> View:
    @wraps(view)
    def with_query(**path: Any) -> Any:
        return view(lists.parse(listing, expands=expands), **path)

    _note(with_query, "manual_doc", {"parameters": lists.parameters(listing)})
    return with_query  # type: ignore[return-value]  # The same view with its query supplied.


@cache  # One for each schema that is listed: two lists of one schema share their page's.
def _page_of(schema: type[marshmallow.Schema]) -> Any:
    """The schema of a page of `schema` documents."""
    return type(
        f"{schema.__name__.removesuffix('Out')}Page",
        (marshmallow.Schema,),
        {
            "Meta": type("Meta", (), {"unknown": marshmallow.EXCLUDE}),
            "naming_users": getattr(schema, "naming_users", ()),
            "data": marshmallow.fields.List(marshmallow.fields.Nested(schema), required=True),
            "page": marshmallow.fields.Nested(PageInfo, required=True),
        },
    )


_PHRASES: dict[int, Any] = {200: "OK", 201: "Created", 202: "Accepted", 204: "No content"}


_TAG = {"type": "string", "pattern": '^"[0-9]{1,9}"$'}
_ETAG = {"description": "The record's version, for the If-Match of a change.", "schema": _TAG}


def versioned(view: View) -> View:
    """Document that a route demands If-Match (a change to a version the client has seen)."""
    _note(view, "manual_doc", {"parameters": [_if_match(required=True)]})
    return view


def heeds_version(view: View) -> View:
    """Document that a route heeds If-Match where it is given, and does without."""
    _note(view, "manual_doc", {"parameters": [_if_match(required=False)]})
    return view


def _if_match(*, required: bool) -> dict[str, Any]:
    return {
        "name": "If-Match",
        "in": "header",
        "required": required,
        "description": "The ETag of the state that the change is meant for.",
        "schema": _TAG,
    }


def note_header(view: View, name: str, description: str, schema: dict[str, Any]) -> View:
    """Document a header that a route heeds where it is given."""
    header = {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
    _note(view, "manual_doc", {"parameters": [header]})
    return view


def _note(view: Any, part: str, content: dict[str, Any]) -> None:
    """Add to the notes that flask-smorest turns into OpenAPI when the blueprint is registered."""
    notes = dict(getattr(view, "_apidoc", {}))
    merged = dict(notes.get(part, {}))
    for key, value in content.items():
        present = merged.get(key)
        merged[key] = (
            [*present, *value]
            if isinstance(present, list)
            else ({**(present or {}), **value} if isinstance(value, dict) else value)
        )
    notes[part] = merged
    view._apidoc = notes  # noqa: SLF001  # flask-smorest's own attribute.
