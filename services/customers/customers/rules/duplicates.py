"""How much two records that share a key are probably the same. Pure, no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# How sure each shared key makes, in percent.
WEIGHTS: Mapping[str, int] = {
    "email_norm": 95,
    "phone_e164": 80,
    "phone_tail": 60,
    "name_norm": 60,
    "domain_norm": 50,
}
REASONS: Mapping[str, str] = {
    "email_norm": "the same e-mail address",
    "phone_e164": "the same phone number",
    "phone_tail": "the same last digits of the phone number",
    "name_norm": "the same name, but for case, accents and form of company",
    "domain_norm": "the same web domain",
}
LIKELY = 50
# A key that more records than these share says nothing (Odoo drops it as well).
MOST_SHARING = 20
# What a company's setting `duplicates` says of a new customer that is likely there already; anything else: warn.
ALLOW, BLOCK = "allow", "block"
# Everybody has an address there: that two records share the domain means nothing.
FREE_MAIL = frozenset(
    {
        "aol.com",
        "gmail.com",
        "gmx.com",
        "gmx.de",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "t-online.de",
        "web.de",
        "yahoo.com",
        "yandex.ru",
        "163.com",
    }
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How likely two records are the same, in percent, and why."""

    score: int
    keys: tuple[str, ...]

    @property
    def reasons(self) -> list[dict[str, str]]:
        return [{"key": key, "detail": REASONS[key]} for key in self.keys]


def likeness(shared: Iterable[str]) -> Likeness:
    """What the keys that two records share say together, each taken for independent evidence."""
    keys = sorted(set(shared), key=lambda key: -WEIGHTS[key])
    if "phone_e164" in keys and "phone_tail" in keys:
        keys.remove("phone_tail")
    doubt = 1.0
    for key in keys:
        doubt *= 1 - WEIGHTS[key] / 100
    return Likeness(round(100 * (1 - doubt)), tuple(keys))


def telling(keys: Mapping[str, str | None]) -> dict[str, str]:
    """Those of a record's keys that can say something."""
    return {
        name: value
        for name, value in keys.items()
        if name in WEIGHTS and value and not (name == "domain_norm" and value in FREE_MAIL)
    }
