"""The plan: which calls to buy next for the open questions. Pure.

What nothing else can answer is bought first. A question that one of those answers may settle by the way, or make
cheaper, waits for it: the same user asked by id and by name is bought by id, and then the name is known. Waiting costs
a step and never money; a question that cannot gain by it does not wait.

    rank  question                                bought as
    0     tray, profile by id; items              tray by id, profile by id, highlight
    1     a name that wants a profile             profile by name (its tray then goes by id: 1 + 2 is less than 3 + 1)
          a name that wants a tray, no profile    tray by name
    2     highlights as their tray shows them     highlight each; or their owner's tray, where that is known and less
    3     short fields by id                      profile by id
          items by their own id                   item each; or the highlight they were seen in, where that is less
    4     a name that wants no more than that     profile by name
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
# What the calls about each subject answer. Flags take long to combine, and each question is compared with them.
OF_USER = Need.IDENTITY | Need.SHORT | Need.PROFILE | Need.TRAY
OF_HIGHLIGHT = Need.BRIEF | Need.ITEMS
OF_ITEM = Need.ITEM
TRAY_OR_PROFILE = Need.TRAY | Need.PROFILE


def plan(asked: Questions, known: Known, prices: Prices, *, forced: bool) -> tuple[Purchase, ...]:
    """The next calls, in the order of the answer. Empty only if nothing is asked."""
    ranks: dict[int, list[Requirement]] = defaultdict(list)
    for question in asked.values():
        ranks[_rank(question)].append(question)
    ready, ahead = set[int](), list[Requirement]()
    for rank in RANKS:
        answers = _Ahead(tuple(ahead), known)
        ready |= {id(question) for question in ranks[rank] if not answers.may_help(question)}
        ahead += ranks[rank]
    chosen = [question for question in asked.values() if id(question) in ready]
    return tuple(_Buyer(known, prices, forced).purchases(chosen))


def _rank(question: Requirement) -> int:
    match question.subject:
        case UserId():
            return 0 if question.want & TRAY_OR_PROFILE else 3
        case Username():
            return 1 if question.want & TRAY_OR_PROFILE else 4
        case HighlightId():
            return 0 if Need.ITEMS in question.want else 2
        case ItemId():
            return 3
        case _:
            assert_never(question.subject)


def _check(question: Requirement, answered: Need) -> None:
    """Before a call is chosen, that its answers can tell what is wanted: else something else would be bought."""
    if question.want not in answered:
        raise AssertionError(f"no call answers {question.want} about {question.subject}")


class _Ahead:
    """What the answers to questions of lower ranks may tell.

    It is worked out once for each kind of question, and only if one of the kind is there: comparing each question with
    each would take their number squared.
    """

    def __init__(self, questions: Sequence[Requirement], known: Known) -> None:
        self._questions = questions
        self._known = known

    def may_help(self, question: Requirement) -> bool:
        """Whether one of the answers may settle `question`, or make it cheaper."""
        wants_profile = Need.PROFILE in question.want
        match question.subject:
            case Username() if wants_profile and Need.TRAY not in question.want:
                return self._tells_names_with_profile
            case Username():
                return self._tells_names or (not wants_profile and self._tells_owners)
            case UserId():
                return bool(self._by_name) or self._tells_owners
            case HighlightId() as highlight:
                return bool(self._trays) and self._may_be_in_a_tray(highlight)
            case ItemId() as item:
                return bool(self._highlights) and self._may_be_in_a_highlight(item)
            case _:
                assert_never(question.subject)

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
    def _tells_names(self) -> bool:
        """Of a user who is asked for by id."""
        return any(self._known.name_of(user) is None for user, _ in self._by_id)

    @cached_property
    def _tells_names_with_profile(self) -> bool:
        """Of one whose profile comes along."""
        return any(Need.PROFILE in want and self._known.name_of(user) is None for user, want in self._by_id)

    @cached_property
    def _tells_owners(self) -> bool:
        """The name of whose highlight it is."""
        return any(not self._known.names_owner(highlight) for highlight in self._highlights)

    @cached_property
    def _trays(self) -> set[UserId | Username]:
        asked: list[tuple[UserId | Username, Need]] = [*self._by_id, *self._by_name]
        return {user for user, want in asked if Need.TRAY in want}

    @cached_property
    def _has_named_trays(self) -> bool:
        return any(isinstance(user, Username) for user in self._trays)

    def _may_be_in_a_tray(self, highlight: HighlightId) -> bool:
        home = self._known.home(highlight)
        if home is None or home in self._trays:
            return True
        if not self._has_named_trays:
            return False
        name = self._known.name_of(home)
        return name is None or Username(name) in self._trays

    def _may_be_in_a_highlight(self, item: ItemId) -> bool:
        shelf = self._known.shelf(item)
        return shelf is None or shelf in self._highlights


class _Buyer:
    """Turns questions into calls."""

    def __init__(self, known: Known, prices: Prices, forced: bool) -> None:
        self.known = known
        self.prices = prices
        self.forced = forced

    def purchases(self, chosen: Iterable[Requirement]) -> Iterator[Purchase]:
        seen: set[Call] = set()
        chosen = list(chosen)
        together = self._cheaper_together(chosen)
        for question in chosen:
            whole = together.get(question.subject)
            for call in (whole,) if whole else self._calls(question):
                if call not in seen:
                    seen.add(call)
                    yield Purchase(call, self.prices.of(call), question.path, question.times, question.deeper)

    def _calls(self, question: Requirement) -> Iterator[Call]:
        want = question.want
        match question.subject:
            case UserId(pk):
                _check(question, OF_USER)
                if Need.TRAY in want:
                    yield self._tray(Endpoint.TRAY, pk)
                if Need.PROFILE in want or Need.TRAY not in want:
                    yield Call(Endpoint.PROFILE, pk)
            case Username(name):
                _check(question, OF_USER)
                if Need.TRAY in want and Need.PROFILE not in want:
                    yield self._tray(Endpoint.TRAY_BY_USERNAME, name)
                else:
                    yield Call(Endpoint.PROFILE_BY_USERNAME, name)
            case HighlightId(pk):
                _check(question, OF_HIGHLIGHT)
                yield Call(Endpoint.HIGHLIGHT, pk)
            case ItemId(pk):
                _check(question, OF_ITEM)
                yield Call(Endpoint.ITEM, pk)
            case _:
                assert_never(question.subject)

    def _tray(self, endpoint: Endpoint, key: str) -> Call:
        return Call(endpoint, key, self.forced)

    def _cheaper_together(self, chosen: Iterable[Requirement]) -> dict[Subject, Call]:
        """Parts of one whole that is dearer than each of them, and cheaper than all."""
        parts: dict[Call, list[Requirement]] = defaultdict(list)
        for question in chosen:
            if whole := self._whole(question):
                parts[whole].append(question)
        return {
            question.subject: whole
            for whole, questions in parts.items()
            if self.prices.of(whole) < self._price_of(questions)
            for question in questions
        }

    def _whole(self, question: Requirement) -> Call | None:
        """The call whose answer holds it among others: a highlight's tray, an item's highlight, where remembered."""
        match question.subject:
            case HighlightId() as highlight if question.want is Need.BRIEF:
                home = self.known.home(highlight)
                return self._tray(Endpoint.TRAY, home.pk) if home and self.known.tray(home) is None else None
            case ItemId() as item:
                shelf = self.known.shelf(item)
                return Call(Endpoint.HIGHLIGHT, shelf.pk) if shelf and self.known.highlight(shelf) is None else None
            case HighlightId() | UserId() | Username():
                return None
            case _:
                assert_never(question.subject)

    def _price_of(self, questions: Iterable[Requirement]) -> int:
        return sum(self.prices.of(call) for question in questions for call in self._calls(question))
