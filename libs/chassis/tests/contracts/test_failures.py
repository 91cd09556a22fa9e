"""The failures of a route are read from its code: through calls, closures, methods, constants and put-together codes."""

from dataclasses import dataclass
from functools import cache

from chassis.contracts.failures import Failure, Reach
from chassis.errors import AppError, Conflict, Invalid, NotFound, UnknownReference

PACKAGE = __name__.partition(".")[0]
TAKEN = Conflict("name_taken", "There is one of this name.")


@dataclass(frozen=True)
class Shelf:
    noun: str

    @property
    def code(self) -> str:
        return self.noun.replace(" ", "_")

    def find(self, number: int) -> int:
        if number > 1:
            raise NotFound(f"{self.code}_not_found", f"There is no {self.noun} {number}.")
        return number


BOOKS = Shelf("old book")


def refuse(code: str, detail: str) -> AppError:
    return Invalid(code, detail)


@cache
def remembered() -> None:
    raise Invalid("not_remembered", "Nobody remembers.")


def hand_out() -> Shelf:
    return BOOKS


def reached(function: object, **open_codes: list[str]) -> Reach:
    reach = Reach(frozenset({PACKAGE}), {name.replace("any", "*"): codes for name, codes in open_codes.items()})
    reach.follow(function)
    return reach.all()


def codes(function: object) -> set[str]:
    return {failure.code for failure in reached(function).failures}


def test_a_failure_that_is_raised_is_found_with_its_status_and_its_sentence() -> None:
    def view(days: int) -> None:
        raise Conflict("too_late", f"It was {days + 1} days ago.")

    assert reached(view).failures == {Failure(409, "too_late", "It was … days ago.")}


def test_calls_are_followed_with_what_they_are_given() -> None:
    def view() -> None:
        raise refuse("wrong_size", "It does not fit.")

    assert reached(view).failures == {Failure(422, "wrong_size", "It does not fit.")}


def test_the_code_of_a_method_is_that_of_its_object() -> None:
    def view(number: int) -> int:
        return BOOKS.find(number)

    assert codes(view) == {"old_book_not_found"}


def test_constants_closures_and_caches_are_seen() -> None:
    def inner() -> None:
        raise TAKEN

    def outer() -> None:
        inner()
        remembered()

    assert codes(outer) == {"name_taken", "not_remembered"}


def test_each_side_of_a_choice_counts() -> None:
    def view(*, late: bool) -> None:
        raise Conflict("too_late" if late else "too_early", "Not now.")

    assert codes(view) == {"too_late", "too_early"}


def test_a_code_that_is_put_together_is_to_be_declared() -> None:
    def view(status: str) -> None:
        raise Conflict(f"book_{status}", "Not this one.")

    assert "which codes are book_*?" in "".join(reached(view).faults)
    declared = reached(view, book_any=["book_lent", "book_lost"])
    assert declared.faults == set()
    assert {failure.code for failure in declared.failures} == {"book_lent", "book_lost"}


def test_what_a_method_of_an_unknown_object_raises_is_to_be_declared_too() -> None:
    def view() -> None:
        shelf = hand_out()
        shelf.find(2)

    assert "which codes are *_not_found?" in "".join(reached(view).faults)


def test_a_missing_reference_is_noticed() -> None:
    def view() -> None:
        raise UnknownReference("unknown_user", "There is no such user.")

    assert reached(view).asks
    assert not reached(refuse).asks


def test_what_is_not_reached_is_not_claimed() -> None:
    def view() -> int:
        return len("nothing")

    assert codes(view) == set()
