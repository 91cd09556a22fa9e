"""What the columns of a file mean: proposed from their names and from what is in them, with how sure that is. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from imports.fields import WHOLE, Catalogue, Field, word_of
from imports.headers import folded, header_of
from imports.profiles import Profile, profile_of
from imports.values import says_nothing
from people.emails import is_email

CERTAIN, LIKELY, BY_SAMPLES, DOUBTFUL = 0.95, 0.8, 0.7, 0.4
# From here on a column goes where it is proposed to go; below that it is only shown.
TAKEN = 0.6
_CLOSE = 0.82
_MOST_MISSES = 0.5
OWN = "own"
# What profiles call the record that one belongs to.
PARENT = "parent"
# Of a whole beside its pieces: by what stands between these, names and addresses.
_PREFER_WHOLE: Mapping[str | None, bool] = {" ": True, ", ": False}
# Of a list and the first of it in a column of its own.
_PRIMARY = frozenset(("primary", "primar", "primaire", "primario", "primaria", "principal"))
# Which of several groups of addresses is taken where they hold as much.
_GROUPS = (None, "work", "mailing", "home", "other")


@dataclass(frozen=True, slots=True)
class Column:
    """A column and some of what is in it."""

    name: str
    samples: Sequence[str]

    @property
    def given(self) -> list[str]:
        return [text for sample in self.samples if (text := sample.strip()) and not says_nothing(text)]


@dataclass(frozen=True, slots=True)
class Guess:
    """The field that a column is meant for, the place of its piece in the whole, and how sure that is."""

    column: Column
    field: str
    place: int
    confidence: float
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where columns go, and which system the file comes from, if that is known."""

    profile: str | None
    guesses: Mapping[str, Guess]

    @property
    def mapping(self) -> dict[str, str]:
        return {name: guess.field for name, guess in self.guesses.items() if guess.confidence >= TAKEN}


def propose(columns: Sequence[Column], catalogue: Catalogue) -> Proposal:
    """A field for each column that seems to mean one."""
    names = [column.name for column in columns]
    own = catalogue.is_own(names)
    profile = None if own else profile_of(names)
    guesses = [guess for column in columns if (guess := _guess(column, catalogue, profile, own=own))]
    if not any(guess.field == "email" for guess in guesses):
        known = {guess.column.name for guess in guesses}
        guesses += [
            guess for column in columns if column.name not in known and (guess := _by_samples(column, catalogue))
        ]
    guesses = _second_meanings(guesses, catalogue)
    guesses = _of_one_group(guesses, catalogue)
    guesses = _whole_or_part(guesses, catalogue)
    guesses = _whole_or_parts(guesses, catalogue)
    guesses = _first_of_each(guesses, catalogue)
    guesses = _with_fallbacks(guesses, catalogue)
    ordered = {guess.column.name: guess for guess in guesses}
    kept = {name: ordered[name] for name in names if name in ordered}
    return Proposal(OWN if own else profile.name if profile else None, kept)


def places_of(columns: Sequence[str], mapping: Mapping[str, str], catalogue: Catalogue) -> dict[str, int]:
    """The place of each mapped column's piece in the whole of its field, by the columns' names."""
    profile = profile_of(columns)
    places = {}
    for column, field in mapping.items():
        meaning = _meaning(column, catalogue, profile)
        places[column] = meaning[1] if meaning is not None and meaning[0] == field else WHOLE
    return places


def is_named_by(columns: Sequence[str], mapping: Mapping[str, str], catalogue: Catalogue, other: str) -> bool:
    """Whether the columns that are taken for the name mean another field: a table of companies, for instance."""
    profile = profile_of(columns)
    meanings = [_meaning(column, catalogue, profile) for column, field in mapping.items() if field == "name"]
    return bool(meanings) and all(meaning is not None and meaning[0] == other for meaning in meanings)


def _guess(column: Column, catalogue: Catalogue, profile: Profile | None, *, own: bool) -> Guess | None:
    if own:
        name = column.name.strip().lower()
        return Guess(column, name, WHOLE, CERTAIN) if name in catalogue.by_name else None
    found = _meaning(column.name, catalogue, profile)
    if found is None or found[0] == "":
        return None
    name, place, confidence = found
    if name == "id":  # A number of another system may be one of ours.
        name = catalogue.code or ""
    elif name == PARENT:
        name = catalogue.parent_code or ""
    field = catalogue.by_name.get(name)
    if field is None:
        return None
    header = header_of(column.name)
    return Guess(column, name, place, _judged(column, field, confidence), header.group)


def _meaning(name: str, catalogue: Catalogue, profile: Profile | None) -> tuple[str, int, float] | None:
    """What a column's name says: the field, the place and how sure that is; "" is what is to be left out."""
    if profile is not None and (whole := folded(name)) in profile.meanings:
        said = profile.meanings[whole]
        meant, _, at = (said or "").partition(":")
        # Of what these records have no field for the name may say something else.
        if meant in ("", "id", PARENT) or meant in catalogue.by_name:
            return meant, int(at or WHOLE), CERTAIN
    header = header_of(name)
    for form in header.forms:
        if form in catalogue.by_header:
            field, place = catalogue.by_header[form]
            return field, _nth(catalogue, field, place, header.number), CERTAIN
    close = difflib.get_close_matches(header.forms[0], catalogue.by_header, n=3, cutoff=_CLOSE)
    for known in close:
        if _is_misspelt(header.forms[0], known):
            field, place = catalogue.by_header[known]
            return field, place, LIKELY
    return None


def _nth(catalogue: Catalogue, field: str, place: int, number: int) -> int:
    """Second columns of a field come after the first."""
    several = catalogue.by_name[field].several
    return place + (number - 1) * 10 if several else place


def _is_misspelt(given: str, known: str) -> bool:
    """Whether each word is nearly the other's: what has a word more or less is something else."""
    words, others = given.split(), known.split()
    return len(words) == len(others) and all(
        word == other or (len(word) > 3 and difflib.SequenceMatcher(None, word, other).ratio() >= _CLOSE)  # noqa: PLR2004
        for word, other in zip(words, others, strict=True)
    )


def _judged(column: Column, field: Field, confidence: float) -> float:
    """How sure a guess is once the samples have been looked at."""
    given = column.given
    if not given:
        return confidence
    if field.words:
        missed = sum(word_of(field.words, text) is None for text in given)
        return DOUBTFUL if missed > _MOST_MISSES * len(given) else confidence
    if field.looks is not None and len(given) > 1 and not any(map(field.looks, given)):
        return DOUBTFUL
    return confidence


def _by_samples(column: Column, catalogue: Catalogue) -> Guess | None:
    """What every value of a column says that its name does not: addresses of people."""
    email = catalogue.by_name.get("email")
    if email is None or not column.given or not all(map(is_email, column.given)):
        return None
    return Guess(column, "email", 50, BY_SAMPLES)


def _second_meanings(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """A word of two meanings is the second where its samples are none of the first and its neighbours are of its kind.

    `Estado` beside a city is a province, unless its values are those of a status. `CEP` is a postal code where its
    values surely are, as in Brazil, and else a telephone in the pocket, as in Turkey.
    """
    fields = {guess.field for guess in guesses}
    read = []
    for guess in guesses:
        second = catalogue.second.get(header_of(guess.column.name).forms[-1])
        if (
            second is not None
            and second[0] == guess.field
            and second[1] not in fields
            and fields & set(second[2])
            and (guess.confidence < TAKEN or not guess.column.given or _is_surely(guess.column, catalogue, second[1]))
        ):
            read.append(Guess(guess.column, second[1], WHOLE, LIKELY, guess.group))
        else:
            read.append(guess)
    return read


def _is_surely(column: Column, catalogue: Catalogue, field: str) -> bool:
    surely = catalogue.by_name[field].surely if field in catalogue.by_name else None
    return surely is not None and all(map(surely, column.given))


def crowded_fields(mapping: Mapping[str, str], catalogue: Catalogue) -> list[str]:
    """The fields that several columns go into and that take one."""
    fields = list(mapping.values())
    return sorted(
        name
        for name in set(fields)
        if fields.count(name) > 1 and catalogue.by_name[name].between is None and not catalogue.by_name[name].several
    )


def _of_one_group(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """Of an address at work, one at home and others, the one that more is known of."""
    together = {"address", "city", "state", "zip_code", "country"} & catalogue.by_name.keys()
    known: dict[str | None, int] = {}
    for guess in guesses:
        if guess.field in together:
            known[guess.group] = known.get(guess.group, 0) + len(guess.column.given)
    if len(known) <= 1:
        return guesses
    best = max(known, key=lambda group: (known[group], -_GROUPS.index(group)))
    return [guess for guess in guesses if guess.field not in together or guess.group == best]


def _whole_or_part(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """A name beside first names is the family's, and beside the family's name the first one, if these are not in it.

    So it is where only the one or the other is there.
    """
    read = list(guesses)
    for whole, first, family in catalogue.names:
        found: dict[tuple[str, int], list[Guess]] = {}
        for guess in read:
            found.setdefault((guess.field, guess.place), []).append(guess)
        if (first in found) == (family in found) or len(found.get(whole, ())) != 1:
            continue
        [name], given = found[whole], found.get(first) or found[family]
        rows = [
            (text.casefold(), one.column.samples[row].casefold().strip())
            for one in given
            for row, text in enumerate(name.column.samples)
            if row < len(one.column.samples)
        ]
        both = [pair for pair in rows if all(pair)]
        if both and not any(part in text for text, part in both):
            field, place = family if first in found else first
            read = [replace(name, field=field, place=place) if guess is name else guess for guess in read]
    return read


def _whole_or_parts(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """A whole name needs no parts where it is always there; a whole address is left out beside its parts."""
    left = guesses
    # What stands between the pieces tells names from addresses.
    for one in catalogue.fields:
        if one.between not in _PREFER_WHOLE:
            continue
        wholes = [guess for guess in left if guess.field == one.name and guess.place == WHOLE]
        parts = [guess for guess in left if guess.field == one.name and guess.place != WHOLE]
        if not wholes or not parts:
            continue
        preferred, others = (wholes, parts) if _PREFER_WHOLE[one.between] else (parts, wholes)
        if _covers(preferred, others):
            left = [guess for guess in left if guess not in others]
    return left


def _covers(preferred: Sequence[Guess], others: Sequence[Guess]) -> bool:
    """Whether every sample row that the others say something in has something in the preferred ones."""
    rows = max(len(guess.column.samples) for guess in (*preferred, *others))

    def filled(guesses: Sequence[Guess], row: int) -> bool:
        return any(row < len(guess.column.samples) and guess.column.samples[row].strip() for guess in guesses)

    return all(filled(preferred, row) or not filled(others, row) for row in range(rows))


def _first_of_each(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """Of several columns for a field that takes one, the surest, and of those the one that has something in it."""
    best: dict[str, Guess] = {}
    for guess in guesses:
        field = catalogue.by_name[guess.field]
        if field.between is not None or field.several:
            continue
        before = best.get(guess.field)
        if before is None or _rank(guess) > _rank(before):
            best[guess.field] = guess
    return [guess for guess in guesses if best.get(guess.field, guess) is guess]


def _rank(guess: Guess) -> tuple[bool, bool, bool, float]:
    is_primary = not _PRIMARY.isdisjoint(folded(guess.column.name).split())
    return guess.confidence >= TAKEN, bool(guess.column.given), is_primary, guess.confidence


def _with_fallbacks(guesses: list[Guess], catalogue: Catalogue) -> list[Guess]:
    """Where no column is the name, the company's is."""
    taken = {guess.field for guess in guesses if guess.confidence >= TAKEN}
    for field, others in catalogue.fallbacks.items():
        for other in others:
            if field not in taken and other in taken:
                guesses = [replace(one, field=field, place=WHOLE) if one.field == other else one for one in guesses]
                taken.add(field)
    return guesses
