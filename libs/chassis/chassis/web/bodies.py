"""The body of a request: taken whole, within a deadline, before anything is done or answered."""

from flask import Request
from gunicorn.http.errors import ParseException
from gunicorn.http.wsgi import Response
from werkzeug.exceptions import RequestEntityTooLarge

from chassis.errors import BadRequest


def take_body(asked: Request) -> None:
    """Read the whole body, also of a request that will be refused, and keep it for whoever asks for it.

    An answer to a body that is still on its way breaks the connection, and with it what comes behind on it. Raises
    BadRequest for a body that is no HTTP or ends too early, RequestEntityTooLarge for one beyond the limit.
    """
    environ = asked.environ
    length = environ.get("CONTENT_LENGTH")
    if length in (None, "", "0") and "HTTP_TRANSFER_ENCODING" not in environ:
        return
    try:
        body = asked.get_data(cache=True)
    except (ParseException, OSError):
        _say_that_it_closes(asked)
        raise BadRequest("malformed_body", "The body is not what HTTP allows, or came too slowly.") from None
    except RequestEntityTooLarge:
        _say_that_it_closes(asked)
        raise
    if asked.content_length is not None and len(body) != asked.content_length:
        _say_that_it_closes(asked)
        raise BadRequest("incomplete_body", "The body is shorter than its Content-Length.")


def _say_that_it_closes(asked: Request) -> None:
    """Let the answer say that gunicorn closes the connection, which it does after such a body.

    Otherwise the gateway keeps it for somebody else's request, which then gets no answer.
    """
    response = getattr(asked.environ.get("chassis.start_response"), "__self__", None)
    if isinstance(response, Response):
        response.force_close()
