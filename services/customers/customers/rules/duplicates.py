"""How much two records that share a key are probably the same, as a company's own rules have it. Pure, no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Self

from people.domains import domain_key, says_nothing
from people.phones import Phone, same_phone

# How sure each shared key makes, in percent, where the company's setting `duplicate_weights` does not say otherwise.
WEIGHTS: Mapping[str, int] = {"email": 95, "phone": 80, "name": 60, "domain": 50}
# From what score on somebody is told (`duplicate_threshold`).
THRESHOLD = 50
# What is compared, and the weight that it goes by. The end of a number is the number, less surely: who turns phones off
# means both.
KEYS: Mapping[str, str] = {
    "email_norm": "email",
    "phone_e164": "phone",
    "phone_tail": "phone",
    "name_norm": "name",
    "domain_norm": "domain",
}
REASONS: Mapping[str, str] = {
    "email_norm": "the same e-mail address",
    "phone_e164": "the same phone number",
    "phone_tail": "the same last digits of the phone number",
    "name_norm": "the same name, but for case, accents and form of company",
    "domain_norm": "the same web domain",
}
_OF_PHONES = frozenset(("phone_e164", "phone_tail"))
# A key that more records than these share says nothing (Odoo drops it as well).
MOST_SHARING = 20
# What a company's setting `duplicates` says of a new customer that is likely there already; anything else: warn.
ALLOW, BLOCK = "allow", "block"


@dataclass(frozen=True, slots=True)
class Likeness:
    """How likely two records are the same, in percent, and why."""

    score: int
    keys: tuple[str, ...]

    @property
    def reasons(self) -> list[dict[str, str]]:
        return [{"key": key, "detail": REASONS[key]} for key in self.keys]


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a company finds duplicates; a key that weighs 0 is none.

    `free_mail` are domains that say nothing, beside those where everybody may have an address or a page.
    """

    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    threshold: int = THRESHOLD
    free_mail: frozenset[str] = frozenset()
    # The keys that can say something; imports ask for each row several times.
    _telling: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_telling", frozenset(name for name in KEYS if self._weight(name)))

    @classmethod
    def of(cls, settings: Any) -> Self:
        """The rules in a company's settings; what is missing there, or makes no sense, is as it is for everybody.

        It never fails: nobody shall be unable to create a customer because of it.
        """
        known = settings if isinstance(settings, Mapping) else {}
        given = known.get("duplicate_weights")
        weights = given if isinstance(given, Mapping) else {}
        domains = known.get("free_mail_domains")
        if not isinstance(domains, Sequence) or isinstance(domains, str):
            domains = ()
        return cls(
            {name: _percent(weights.get(name), 0, usual) for name, usual in WEIGHTS.items()},
            _percent(known.get("duplicate_threshold"), 1, THRESHOLD),
            frozenset(key for domain in domains if isinstance(domain, str) and (key := domain_key(domain))),
        )

    def telling(self, keys: Mapping[str, str | None]) -> dict[str, str]:
        """Those of a record's keys that can say something."""
        return {
            name: value
            for name, value in keys.items()
            if value and name in self._telling and not (name == "domain_norm" and self._is_free(value))
        }

    def likeness(self, shared: Iterable[str]) -> Likeness:
        """What the keys that two records share say together, each taken for independent evidence."""
        known = set(shared)
        keys = sorted((key for key in KEYS if key in known), key=lambda key: -self._weight(key))
        if "phone_e164" in keys and "phone_tail" in keys:
            keys.remove("phone_tail")
        doubt = 1.0
        for key in keys:
            doubt *= 1 - self._weight(key) / 100
        return Likeness(round(100 * (1 - doubt)), tuple(keys))

    def _weight(self, key: str) -> int:
        """The weight of a key: of the last digits of a number three quarters of the number's, and 0 for 0 alone."""
        weight = self.weights[KEYS[key]]
        return -(-weight * 3 // 4) if key == "phone_tail" else weight

    def _is_free(self, domain: str) -> bool:
        return says_nothing(domain) or domain in self.free_mail


def judged(shared: AbstractSet[str], one: Phone, other: Phone) -> set[str]:
    """The keys that two records share, once their numbers are looked at as a whole: extensions may tell them apart."""
    if not shared & _OF_PHONES:
        return set(shared)
    return set(shared - _OF_PHONES) | ({same} if (same := same_phone(one, other)) else set())


# Those of a company that has set nothing. No company's rules go by a key or a domain that these do not go by: settings
# turn keys off and add domains of free mail.
DEFAULT = Rules()


def _percent(value: Any, least: int, usual: int) -> int:
    return value if type(value) is int and least <= value <= 100 else usual  # noqa: PLR2004  # That is what percent means.
