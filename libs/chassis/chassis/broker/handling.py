"""The events of a transaction go to their handlers, tenant by tenant; what several ask for comes in one round trip."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from chassis import tracing
from chassis.broker.subscriptions import AskingHandler, Handler, ManyHandler, Subscriptions
from chassis.context import Context, acting_as
from chassis.db.session import Session, set_tenant
from chassis.events import Event

Rest = Callable[[], None]


def handle(session: Session, subscriptions: Subscriptions, events: Sequence[Event]) -> None:
    """Have the handlers take effect in the session's transaction, those of one company in the order of its events."""
    if subscriptions.batch is not None:
        with tracing.consuming(events):
            subscriptions.batch(session, events)
        return
    # One company's events stay in their order; those of different companies have none.
    asked: list[tuple[int, list[Rest]]] = []
    for company_id, of_company in groupby(sorted(events, key=_company), _company):
        set_tenant(session, company_id)
        first, *others = _runs(subscriptions, of_company)
        if not others and isinstance(first[0], AskingHandler):
            asked.append((company_id, _ask(session, first[0], first[1])))
            continue
        for handler, run in (first, *others):
            _handle_run(session, handler, run)
    for company_id, rests in asked:
        set_tenant(session, company_id)
        _finish(rests)


def _runs(subscriptions: Subscriptions, events: Iterator[Event]) -> Iterator[tuple[Handler, list[Event]]]:
    """The events of a company in pieces that one handler takes; of those that it asks for, a record's come apart."""
    for handler, run in groupby(events, lambda event: subscriptions.handlers[event.type]):
        if not isinstance(handler, AskingHandler):
            yield handler, list(run)
            continue
        piece: list[Event] = []
        records: set[int] = set()
        for event in run:
            if event.record_id in records:
                yield handler, piece
                piece, records = [], set()
            piece.append(event)
            records.add(event.record_id)
        yield handler, piece


def _handle_run(session: Session, handler: Handler, run: Sequence[Event]) -> None:
    if isinstance(handler, AskingHandler):
        _finish(_ask(session, handler, run))
    elif len(run) > 1 and isinstance(handler, ManyHandler):
        with tracing.consuming(run), acting_as(_caused_by(run[-1])):
            handler.many(session, run)
    else:
        for event in run:
            with tracing.consuming([event]), acting_as(_caused_by(event)):
                handler(session, event)


def _ask(session: Session, handler: AskingHandler, run: Sequence[Event]) -> list[Rest]:
    """Ask for each; what remains to be done for each of them."""
    rests = []
    for event in run:
        with acting_as(_caused_by(event)):
            rests.append(_in_trace(event, handler.ask(session, event)))
    return rests


def _in_trace(event: Event, rest: Rest) -> Rest:
    def go_on() -> None:
        with tracing.consuming([event]), acting_as(_caused_by(event)):
            rest()

    return go_on


def _finish(rests: Sequence[Rest]) -> None:
    for rest in rests:
        rest()


def _company(event: Event) -> int:
    return event.company_id


def _caused_by(event: Event) -> Context:
    """What a handler's own changes follow from."""
    return Context(
        company_id=event.company_id,
        request_id=event.correlation_id or event.id,
        causation_id=event.id,
        traceparent=tracing.traceparent() or event.traceparent,
    )
