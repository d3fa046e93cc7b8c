"""The plan: the calls to buy next for the open requirements. Pure.

Requirements that no other answer can meet are bought first. A requirement that one of those answers may meet, or make
cheaper, waits for it: a user requested both by id and by name is bought by id, and then the name is known. Waiting
costs a step and never money; a requirement that cannot gain by it does not wait.

    rank  requirement                             bought as
    0     tray, profile by id; items              tray by id, profile by id, highlight
    1     a name that needs a profile             profile by name (its tray then goes by id: 1 + 2 is less than 3 + 1)
          a name that needs a tray, no profile    tray by name
    2     highlights as their tray lists them     highlight each; or their owner's tray, where known and less
    3     short fields by id                      profile by id
          items by their own id                   item each; or the highlight they were seen in, where that is less
    4     a name that needs no more than that     profile by name
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import assert_never

from gateway.billing.prices import Prices, Purchase
from gateway.domain.ids import HighlightId, ItemId, UserId, Username
from gateway.planner.requirements import Known, Need, Questions, Requirement, Subject
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

RANKS = range(5)
# Facts that calls about each kind of subject answer. Constants, because combining flags is slow and each requirement is
# compared with them.
OF_USER = Need.IDENTITY | Need.SHORT | Need.PROFILE | Need.TRAY
OF_HIGHLIGHT = Need.BRIEF | Need.ITEMS
OF_ITEM = Need.ITEM
TRAY_OR_PROFILE = Need.TRAY | Need.PROFILE


def plan(asked: Questions, known: Known, prices: Prices, *, forced: bool) -> tuple[Purchase, ...]:
    """Return the next calls, in response order. Empty only if nothing is open."""
    ranks: dict[int, list[Requirement]] = defaultdict(list)
    for requirement in asked.values():
        ranks[_rank(requirement)].append(requirement)
    ready, ahead = set[int](), list[Requirement]()
    for rank in RANKS:
        answers = _EarlierAnswers(tuple(ahead), known)
        ready |= {id(requirement) for requirement in ranks[rank] if not answers.may_meet(requirement)}
        ahead += ranks[rank]
    chosen = [requirement for requirement in asked.values() if id(requirement) in ready]
    return tuple(_CallSelector(known, prices, forced).purchases(chosen))


def _rank(requirement: Requirement) -> int:
    match requirement.subject:
        case UserId():
            return 0 if requirement.want & TRAY_OR_PROFILE else 3
        case Username():
            return 1 if requirement.want & TRAY_OR_PROFILE else 4
        case HighlightId():
            return 0 if Need.ITEMS in requirement.want else 2
        case ItemId():
            return 3
        case _:
            assert_never(requirement.subject)


def _check(requirement: Requirement, answered: Need) -> None:
    """Raise AssertionError if no answer about the subject has the facts: a wrong call would be bought."""
    if requirement.want not in answered:
        raise AssertionError(f"no call answers {requirement.want} about {requirement.subject}")


class _EarlierAnswers:
    """The answers to requirements of lower ranks, which are bought earlier.

    Each property is computed once for each kind of requirement, and only if there is one of the kind: comparing each
    requirement with each would take quadratic time.
    """

    def __init__(self, questions: Sequence[Requirement], known: Known) -> None:
        self._questions = questions
        self._known = known

    def may_meet(self, requirement: Requirement) -> bool:
        """Return whether one of the answers may meet `requirement`, or make it cheaper."""
        wants_profile = Need.PROFILE in requirement.want
        match requirement.subject:
            case Username() if wants_profile and Need.TRAY not in requirement.want:
                return self._reveals_names_with_profile
            case Username():
                return self._reveals_names or (not wants_profile and self._reveals_owners)
            case UserId():
                return bool(self._by_name) or self._reveals_owners
            case HighlightId() as highlight:
                return bool(self._trays) and self._may_be_in_a_tray(highlight)
            case ItemId() as item:
                return bool(self._highlights) and self._may_be_in_a_highlight(item)
            case _:
                assert_never(requirement.subject)

    @cached_property
    def _by_id(self) -> list[tuple[UserId, Need]]:
        return [(one.subject, one.want) for one in self._questions if isinstance(one.subject, UserId)]

    @cached_property
    def _by_name(self) -> list[tuple[Username, Need]]:
        return [(one.subject, one.want) for one in self._questions if isinstance(one.subject, Username)]

    @cached_property
    def _highlights(self) -> dict[HighlightId, None]:
        return {one.subject: None for one in self._questions if isinstance(one.subject, HighlightId)}

    @cached_property
    def _reveals_names(self) -> bool:
        """True if the name of a user requested by id is unknown."""
        return any(self._known.name_of(user) is None for user, _ in self._by_id)

    @cached_property
    def _reveals_names_with_profile(self) -> bool:
        """True if the name of a user whose profile is requested is unknown."""
        return any(Need.PROFILE in want and self._known.name_of(user) is None for user, want in self._by_id)

    @cached_property
    def _reveals_owners(self) -> bool:
        """True if the name of a requested highlight's owner is unknown."""
        return any(not self._known.names_owner(highlight) for highlight in self._highlights)

    @cached_property
    def _trays(self) -> set[UserId | Username]:
        asked: list[tuple[UserId | Username, Need]] = [*self._by_id, *self._by_name]
        return {user for user, want in asked if Need.TRAY in want}

    @cached_property
    def _has_named_trays(self) -> bool:
        return any(isinstance(user, Username) for user in self._trays)

    def _may_be_in_a_tray(self, highlight: HighlightId) -> bool:
        owner = self._known.home(highlight)
        if owner is None or owner in self._trays:
            return True
        if not self._has_named_trays:
            return False
        name = self._known.name_of(owner)
        return name is None or Username(name) in self._trays

    def _may_be_in_a_highlight(self, item: ItemId) -> bool:
        highlight = self._known.shelf(item)
        return highlight is None or highlight in self._highlights


class _CallSelector:
    """The translation of requirements into calls."""

    def __init__(self, known: Known, prices: Prices, forced: bool) -> None:
        self.known = known
        self.prices = prices
        self.forced = forced

    def purchases(self, chosen: Iterable[Requirement]) -> Iterator[Purchase]:
        seen: set[Call] = set()
        chosen = list(chosen)
        containing_calls = self._cheaper_as_one_call(chosen)
        for requirement in chosen:
            containing = containing_calls.get(requirement.subject)
            for call in (containing,) if containing else self._calls(requirement):
                if call not in seen:
                    seen.add(call)
                    yield Purchase(call, self.prices.of(call), requirement.path, requirement.times, requirement.deeper)

    def _calls(self, requirement: Requirement) -> Iterator[Call]:
        want = requirement.want
        match requirement.subject:
            case UserId(pk):
                _check(requirement, OF_USER)
                if Need.TRAY in want:
                    yield self._tray(Endpoint.TRAY, pk)
                if Need.PROFILE in want or Need.TRAY not in want:
                    yield Call(Endpoint.PROFILE, pk)
            case Username(name):
                _check(requirement, OF_USER)
                if Need.TRAY in want and Need.PROFILE not in want:
                    yield self._tray(Endpoint.TRAY_BY_USERNAME, name)
                else:
                    yield Call(Endpoint.PROFILE_BY_USERNAME, name)
            case HighlightId(pk):
                _check(requirement, OF_HIGHLIGHT)
                yield Call(Endpoint.HIGHLIGHT, pk)
            case ItemId(pk):
                _check(requirement, OF_ITEM)
                yield Call(Endpoint.ITEM, pk)
            case _:
                assert_never(requirement.subject)

    def _tray(self, endpoint: Endpoint, key: str) -> Call:
        return Call(endpoint, key, self.forced)

    def _cheaper_as_one_call(self, chosen: Iterable[Requirement]) -> dict[Subject, Call]:
        """Return the containing call for each part where that call costs less than all its parts."""
        parts: dict[Call, list[Requirement]] = defaultdict(list)
        for requirement in chosen:
            if containing := self._containing_call(requirement):
                parts[containing].append(requirement)
        return {
            requirement.subject: containing
            for containing, questions in parts.items()
            if self.prices.of(containing) < self._price_of(questions)
            for requirement in questions
        }

    def _containing_call(self, requirement: Requirement) -> Call | None:
        """Return the call whose answer contains the subject: a highlight's tray or an item's highlight, if known."""
        match requirement.subject:
            case HighlightId() as highlight if requirement.want is Need.BRIEF:
                owner = self.known.home(highlight)
                return self._tray(Endpoint.TRAY, owner.pk) if owner and self.known.tray(owner) is None else None
            case ItemId() as item:
                shelf = self.known.shelf(item)
                return Call(Endpoint.HIGHLIGHT, shelf.pk) if shelf and self.known.highlight(shelf) is None else None
            case HighlightId() | UserId() | Username():
                return None
            case _:
                assert_never(requirement.subject)

    def _price_of(self, questions: Iterable[Requirement]) -> int:
        return sum(self.prices.of(call) for requirement in questions for call in self._calls(requirement))
