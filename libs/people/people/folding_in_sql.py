"""The folding as a function of PostgreSQL, written from the tables that Python folds by."""

import unicodedata

from people.folding import DROPPED, KEPT, LETTERS, SIGNS, TWO_LETTERS, UNSPACED


def folding_function(name: str) -> str:
    """The body of `fold` as a function `name`(text): who migrates creates or replaces it, and keeps the text.

    For a database with the encoding UTF8 and a character type that knows Unicode's small letters, such as C.UTF-8.
    Functions are named in full, because a SET clause would cost more than the rest of it.
    """
    kept = [(unicodedata.normalize("NFD", letter), letter) for letter in KEPT]
    text = f"pg_catalog.normalize({_translated('given', SIGNS)}, 'NFKD')"
    text = f"pg_catalog.lower({_translated(text, SIGNS)})"
    lines = [f"given := {text};"]
    # Few texts have any of these: one look for the letters spares as many replacements.
    marks = "".join(sorted({pair[1] for pair, _ in kept}))
    replaced = "given"
    for pair, letter in kept:
        replaced = f"pg_catalog.replace({replaced}, '{pair}', '{letter}')"
    lines.append(
        f"IF given ~ '[{''.join(sorted({pair[0] for pair, _ in kept}))}][{marks}]' THEN given := {replaced}; END IF;"
    )
    lines.append(f"given := pg_catalog.regexp_replace(given, '{_class(DROPPED)}', '', 'g');")
    lines.append(f"given := pg_catalog.normalize({_translated('given', LETTERS)}, 'NFC');")
    spaced = f"(?<={_class(UNSPACED)})[ \u3000]+(?={_class(UNSPACED)})"
    lines.append(
        f"IF given ~ '{_class(UNSPACED)} ' THEN given := pg_catalog.regexp_replace(given, '{spaced}', '', 'g'); END IF;"
    )
    return _function(name, "RETURN pg_catalog.translate(pg_catalog.lower(given), '`', '''');", lines)


def two_letters_function(name: str, folding: str) -> str:
    """The body of `fold_two` as a function `name`(text) beside `folding`, which `folding_function` has written."""
    pairs = TWO_LETTERS | {letter.upper(): two for letter, two in TWO_LETTERS.items()}
    text = "pg_catalog.normalize(given, 'NFC')"
    for letter, two in pairs.items():
        text = f"pg_catalog.replace({text}, '{letter}', '{two}')"
    return _function(name, f"RETURN {folding}(given);", [f"given := {folding}({text});"])


def _function(name: str, of_ascii: str, lines: list[str]) -> str:
    body = "\n        ".join(lines)
    return f"""
    CREATE OR REPLACE FUNCTION {name}(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    BEGIN
        IF pg_catalog.octet_length(given) = pg_catalog.length(given) THEN
            {of_ascii}
        END IF;
        {body}
        RETURN given;
    END $$;
    """


def _translated(text: str, table: dict[str, str]) -> str:
    """`text` with letters that become one letter translated at once, and the others replaced one by one."""
    single = {letter: other for letter, other in table.items() if len(other) == 1}
    text = f"pg_catalog.translate({text}, '{_quoted(''.join(single))}', '{_quoted(''.join(single.values()))}')"
    for letter, others in table.items():
        if len(others) > 1:
            text = f"pg_catalog.replace({text}, '{letter}', '{_quoted(others)}')"
    return text


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _class(ranges: tuple[tuple[str, str], ...]) -> str:
    return "[" + "".join(first if first == last else f"{first}-{last}" for first, last in ranges) + "]"
