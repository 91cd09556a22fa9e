"""The cells of a row by the fields that they go into: joined in the order of the whole, or the first of several."""

from collections.abc import Mapping, Sequence

from chassis.spreadsheets import original
from imports.fields import FAMILY, FIRST, WHOLE, Catalogue
from imports.proposal import places_of
from imports.values import says_nothing
from people.full_names import is_family_first
from people.texts import trimmed, unguarded

_HOUSE_NUMBER = 2
_LONGEST_THAT_SAYS_NOTHING = 9


class Cells:
    """Where a file's columns go; its calls answer the texts of a row by field, those that are empty left out.

    A field that several columns share is a list of texts where the catalogue says that each counts.
    """

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str], catalogue: Catalogue) -> None:
        indexes: dict[str, list[tuple[int, int]]] = {}
        places = places_of(columns, mapping, catalogue)
        for index, column in enumerate(columns):
            if column in mapping:
                indexes.setdefault(mapping[column], []).append((places[column], index))
        self._columns = columns
        self._overflows = {field.name: field.overflow for field in catalogue.fields if field.overflow}
        self._first = {field: found[0][1] for field, found in indexes.items()}
        self._single = [(field, found[0][1]) for field, found in indexes.items() if len(found) == 1]
        self._several: list[tuple[str, list[int]]] = []
        self._joined: list[tuple[str, list[tuple[int, int]], str]] = []
        self._names = {whole for (whole, _), *_ in catalogue.names}
        for field, found in indexes.items():
            if len(found) > 1:
                between = catalogue.by_name[field].between
                if between is None:
                    self._several.append((field, [index for _, index in sorted(found)]))
                else:
                    self._joined.append((field, sorted(found), between))

    def __call__(self, cells: Sequence[str]) -> dict[str, str]:
        width = len(cells)
        texts = {field: text for field, at in self._single if at < width and (text := _text(cells[at]))}
        for field, columns in self._several:
            found = [text for at in columns if at < width and (text := _text(cells[at]))]
            if found:
                texts[field] = " ::: ".join(found)
        for field, places, between in self._joined:
            parts = [(place, text) for place, at in places if at < width and (text := _text(cells[at]))]
            if parts:
                texts[field] = _name(parts) if field in self._names else _whole(field, parts, between)
        return texts

    def column_of(self, field: str) -> str | None:
        """The column, or the first of those, that a field comes from, be it what another field had no place for."""
        if field not in self._first:
            field = next((name for name in self._first if self._overflows.get(name) == field), field)
        return self._columns[self._first[field]] if field in self._first else None


def _text(cell: str) -> str:
    text = trimmed(cell)
    if not text:
        return text
    if text[0] in "'=\u2018\u2019\uff07":
        text = original(unguarded(text))
    if len(text) <= _LONGEST_THAT_SAYS_NOTHING and not text[0].isalnum() and says_nothing(text):
        return ""
    return text


def _name(parts: Sequence[tuple[int, str]]) -> str:
    """The parts in the order of a name; a part that the whole has already is not said again."""
    by_place: dict[int, list[str]] = {}
    for place, text in parts:
        by_place.setdefault(place, []).append(text)
    wholes = list(dict.fromkeys(by_place.pop(WHOLE, ())))
    if wholes:
        # A name beside first names that it does not have in it is the family's, and beside the family's the first name.
        first, family = (" ".join(by_place.get(place, ())).casefold() for place in (FIRST, FAMILY))
        part = first or family
        if not part or (first and family) or len(wholes) > 1 or part in wholes[0].casefold():
            return " ".join(wholes)
        by_place.setdefault(FAMILY if first else FIRST, []).extend(wholes)
    texts = [text for _, given in sorted(by_place.items()) for text in given]
    if is_family_first(texts):
        texts.reverse()  # The family's name comes first.
    return " ".join(texts)


def _whole(field: str, parts: Sequence[tuple[int, str]], between: str) -> str:
    """The parts in the order of the whole."""
    texts = [text for _, text in parts]
    if field != "address":
        return between.join(texts)
    text = texts[0]
    for place, part in parts[1:]:
        text += (" " if place == _HOUSE_NUMBER else between) + part
    return text
