"""What a service says of the fields that a file's columns can go into. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from imports.headers import folded, header_of

# Where the parts of a name and of an address stand in the whole; a whole beside its parts is not needed.
WHOLE = 0
FIRST, FAMILY = 1, 3
# Of a telephone number or an address: which is taken first where a file has several.
WORK, MOBILE, MAIN, HOME, OTHER = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Field:
    """A field: what people and other systems call it, and what its texts look like.

    `words` are the values of a field that knows only some, by the (folded) word that means one. `parts` are names of
    pieces of it with their place in the whole. `between` joins several columns; `several` lets several columns into a
    field that takes one value, of which the first counts and `overflow` names the field that takes the next.
    """

    name: str
    names: str
    parts: Mapping[int, str] = field(default_factory=dict)
    between: str | None = None
    several: bool = False
    overflow: str | None = None
    looks: Callable[[str], bool] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    # What only texts of this field look like, whatever else their column's name means.
    surely: Callable[[str], bool] | None = None
    # Whether a cell names something that the company keeps a list of: unknown ones can be left empty.
    of_list: bool = False


@dataclass(frozen=True)
class Catalogue:
    """The fields of an entity.

    `own` are columns that only this system's own export has together; `code` is where another system's record id goes,
    `parent_code` that of the record that it belongs to. `fallbacks` are fields that serve as another one where a file
    has none for it. `second` are words of two meanings: the field that one means at first, the other one, and whose
    columns beside it make it that. `dates` and `amounts` are fields that can be written in several ways.
    """

    fields: Sequence[Field]
    own: Sequence[str] = ()
    code: str | None = None
    fallbacks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    second: Mapping[str, tuple[str, str, Sequence[str]]] = field(default_factory=dict)
    parent_code: str | None = None
    dates: Sequence[str] = ()
    amounts: Sequence[str] = ()

    def is_header(self, text: str) -> bool:
        """Whether a text is the name of a column that means a field."""
        return any(form in self.by_header for form in header_of(text).forms)

    def is_own(self, columns: Iterable[str]) -> bool:
        """Whether a file with these columns is this system's own export."""
        return bool(self.own) and set(self.own) <= {name.strip().lower() for name in columns}

    @cached_property
    def names(self) -> Sequence[tuple[tuple[str, int], tuple[str, int], tuple[str, int]]]:
        """Of names of people where the whole goes, the first names and the family's: the field, and the place in it."""
        found = [
            ((one.name, WHOLE), (one.name, FIRST), (one.name, FAMILY))
            for one in self.fields
            if one.between == " " and FAMILY in one.parts
        ]
        if {"name", "first_name", "last_name"} <= self.by_name.keys():
            found.append((("name", WHOLE), ("first_name", FIRST), ("last_name", WHOLE)))
        return found

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {one.name: one for one in self.fields}

    @cached_property
    def by_header(self) -> Mapping[str, tuple[str, int]]:
        """From a folded header to the field that it means and the place of what it holds in the whole."""
        found: dict[str, tuple[str, int]] = {}
        for one in self.fields:
            for place, names in [(WHOLE, one.names), *one.parts.items()]:
                for name in names.split(","):
                    found.setdefault(folded(name.strip()), (one.name, place))
        return found


def values_by_word(of_values: Mapping[str, str]) -> dict[str, str]:
    """From each (folded) word to the value that it means: the value itself, and its `words, by, commas`."""
    return {folded(word): value for value, words in of_values.items() for word in (value, *words.split(", "))}


def word_of(words: Mapping[str, str], text: str) -> str | None:
    """The value that a word means, whatever its case and signs; None for one that means nothing here."""
    key = folded(text)
    if key in words:
        return words[key]
    # "Working - Contacted": a state and what it is like.
    first = folded(text.partition(" - ")[0]) if " - " in text else ""
    return words.get(first)
