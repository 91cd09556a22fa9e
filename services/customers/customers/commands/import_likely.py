"""Which customers the new ones of an import are probably the same as: stored ones, and those of rows above."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chassis.db.session import Session
from customers.queries.duplicates import find_duplicates
from customers.queries.matches import find_sharing
from customers.rules.duplicates import MOST_SHARING, Rules, judged
from customers.rules.keys import customer_keys, other_names
from imports.engine.lifecycle import CREATE
from imports.engine.target import Change, RowOptions
from imports.rows import ReadRow
from imports.seen import Key, Seen
from people.phones import NONE, Phone, extension_of

_OF_PHONES = ("phone_e164", "phone_tail")
# What keys follow from.
_TOLD_BY = frozenset(("email", "phone", "country", "name", "customer_type", "website"))
_CHANGED = "other-keys"


def telling_keys(rules: Rules, keys: Mapping[str, Any]) -> Iterator[Key]:
    """By what a customer with these keys may be the same as another; of two spellings of a name each is one."""
    telling = rules.telling(keys)
    yield from telling.items()
    if "name_norm" in telling and keys.get("name_two"):
        yield "name_norm", keys["name_two"]


class Likely:
    """Which customers, stored or of rows above, new ones are probably the same as."""

    def __init__(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> None:
        self._session = session
        self._options = options
        self._rules = options.around.rules
        # Rows above are stored where rows are written, and what is only told is told by the validation.
        self._looks_above = not options.writes
        self._asks = options.around.refuses_duplicates or self._looks_above
        given = [{"line": row.line, **self._columns(row)} for row in rows] if self._asks else []
        self._found = find_sharing(session, [keys for keys in given if len(keys) > 1])
        self._changed: set[int] = set()
        if self._looks_above and options.mode != CREATE:
            ids = {known for hits in self._found.values() for known in hits}
            options.seen.load((_CHANGED, known) for known in ids)
            self._changed = {known for known in ids if options.seen.get(_CHANGED, known)}

    def sentence(self, row: ReadRow) -> str | None:
        """What is to be said of a row that is probably there already; None for one that is not."""
        if not self._asks:
            return None
        stored = {known: keys for known, keys in self._found.get(row.line, {}).items() if known not in self._changed}
        above = self._above(row) if self._looks_above else {}
        crowded = _crowded([*stored.values(), *(keys for keys, _ in above.values())]) if above else set()
        if stored:
            found = find_duplicates(self._session, _without(_new(row), crowded), but=self._changed)
            if found["candidates"] or found["hidden"]:
                ids = ", ".join(str(candidate["customer"]["id"]) for candidate in found["candidates"])
                return f"Probably the same as customer {ids or 'of a colleague'}."
        if not above:
            return None
        own = _phone(row.values, row.keys)
        alike = [known for known, (keys, phone) in above.items() if self._is_alike(keys - crowded, own, phone)]
        if not alike:
            return None
        lines, ids = (
            ", ".join(map(str, sorted(found)))
            for found in ([-known for known in alike if known < 0], [known for known in alike if known > 0])
        )
        return f"Probably the same as {f'line {lines}' if lines else f'customer {ids}'}."

    def leave(self, row: ReadRow) -> None:
        """Let the rows below find this one."""
        if self._looks_above:
            _leave(self._options.seen, -row.line, telling_keys(self._rules, _new(row)), _phone(row.values, row.keys))

    def _is_alike(self, shared: set[str], own: Phone, phone: Phone) -> bool:
        score = self._rules.likeness(judged(shared, own, phone)).score
        return bool(score >= self._rules.threshold)

    def _above(self, row: ReadRow) -> dict[int, tuple[set[str], Phone]]:
        shared: dict[int, set[str]] = {}
        phones: dict[int, Phone] = {}
        for name, value in telling_keys(self._rules, _new(row)):
            for known, *phone in self._options.seen.get(name, value) or ():
                shared.setdefault(known, set()).add(name)
                if phone:
                    phones[known] = Phone(*phone)
        return {known: (keys, phones.get(known, NONE)) for known, keys in shared.items()}

    def _columns(self, row: ReadRow) -> dict[str, Any]:
        values = _new(row)
        telling: dict[str, Any] = self._rules.telling(values)
        return telling | (other_names(values) if "name_norm" in telling else {})


def _new(row: ReadRow) -> dict[str, Any]:
    """The values and the keys of a row's new customer."""
    return row.new_values | row.values | row.keys | row.new_keys


def leave_changed(options: RowOptions, changes: Sequence[Change]) -> None:
    """Let the rows below find changed customers by the keys that they have now, and by no others."""
    seen, around = options.seen, options.around
    moved = []
    for change in changes:
        if _TOLD_BY & change.values.keys():
            before, after = (
                customer_keys(values, around.region)
                for values in (change.known.document, {**change.known.document, **change.values})
            )
            moved.append((change, list(telling_keys(around.rules, before)), after))
    seen.load(key for _, given_up, after in moved for key in (*given_up, *telling_keys(around.rules, after)))
    for change, given_up, after in moved:
        known = change.known.id
        for key in given_up:
            if others := seen.get(*key):
                seen.put(*key, entry=[entry for entry in others if entry[0] != known])
        phone = _phone({**change.known.document, **change.values}, after)
        _leave(seen, known, telling_keys(around.rules, after), phone)
        seen.put(_CHANGED, known, entry=True)


def _leave(seen: Seen, known: int, keys: Iterable[Key], phone: Phone) -> None:
    for key in keys:
        entry = seen.get(*key) or []
        if len(entry) <= MOST_SHARING:
            seen.put(*key, entry=[*entry, [known, *phone] if key[0] in _OF_PHONES else [known]])


def _crowded(shared: Iterable[set[str]]) -> set[str]:
    """The keys that too many share, stored customers and rows above together, to say anything."""
    counts = Counter(key for keys in shared for key in keys)
    return {key for key, count in counts.items() if count > MOST_SHARING}


def _without(keys: Mapping[str, Any], crowded: set[str]) -> dict[str, Any]:
    return {name: value for name, value in keys.items() if name not in crowded}


def _phone(values: Mapping[str, Any], keys: Mapping[str, Any]) -> Phone:
    return Phone(
        keys.get("phone_e164"), keys.get("phone_tail"), extension_of(values.get("phone"), keys.get("phone_e164"))
    )
