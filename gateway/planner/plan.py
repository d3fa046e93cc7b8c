"""The plan: the calls to buy next for the open requirements. Pure.

Requirements that no other answer can meet are bought first. A requirement that one of those answers may meet, or make
cheaper, waits for it: a user requested both by id and by name is bought by id, and then the name is known. Waiting
costs a step and never money; a requirement that cannot gain by it does not wait.

    rank  requirement                             bought as
    0     lists and profile by id; pages; items     the endpoint that answers it by id
          that no tray has; any other fact about
          what is named by id
    1     a name that needs a profile, or a list    profile by name (its lists then go by id: 1 + 2 is less than 3 + 1)
          that names nobody and anything else,
          of the user or of an entry's author
          a name that needs one list alone          that list by name
    2     highlights as their tray lists them       highlight each; or their owner's tray, where known and less
          items, where trays have them too          likewise
    3     short fields by id                        profile by id
          items by their own id                     item each; or the highlight they were seen in, where that is less
    4     a name that needs no more than that       profile by name
    5     numbers of comments                       several posts at once, or each post, where that is less
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from gateway.billing.prices import Prices, Purchase
from gateway.domain.ids import EntityId, HighlightId, ItemId, ListPlace, Subject, UserId, Username
from gateway.domain.media import MediaId
from gateway.planner.requirements import Known, Questions, Requirement
from gateway.reads.batches import batch
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import (
    ANSWERS,
    ANY_USER_LIST,
    ITEM_LISTS,
    LISTS_OR_PROFILE,
    NAMING_ANSWERS,
    NAMING_LISTS,
    OF_SUBJECT,
    POST_LISTS,
    USER_LISTS,
    FactKind,
)

RANKS = range(6)
NONE = FactKind.NOTHING
NAMED = FactKind.SUMMARY | FactKind.IDENTITY
# Facts whose answers name the user.
NAMING = NAMED | NAMING_LISTS | FactKind.PROFILE


def plan(requirements: Questions, known: Known, prices: Prices, *, forced: bool) -> tuple[Purchase, ...]:
    """Return the next calls, in response order. Empty only if nothing is open."""
    ranks: dict[int, list[Requirement]] = defaultdict(list)
    in_trays = prices.endpoints.trays_have_items
    parts = [part for requirement in requirements.values() for part in _parts(requirement)]
    for requirement in parts:
        ranks[_rank(requirement, in_trays)].append(requirement)
    ready, ahead = set[int](), list[Requirement]()
    for rank in RANKS:
        answers = _EarlierAnswers(tuple(ahead), known, in_trays)
        ready |= {id(requirement) for requirement in ranks[rank] if not answers.may_meet(requirement)}
        ahead += ranks[rank]
    chosen = [requirement for requirement in parts if id(requirement) in ready]
    return tuple(_CallSelector(known, prices, forced).purchases(chosen))


def _parts(requirement: Requirement) -> tuple[Requirement, ...]:
    """Return the requirement; in two parts if one of them may wait by itself.

    These are the number of comments on a post, and the short fields of a user whose lists do not reveal them.
    """
    want = requirement.want
    counts = want & FactKind.COMMENT_COUNT
    if counts and want is not counts and FactKind.MEDIA not in want:
        return replace(requirement, want=want & ~counts), replace(requirement, want=counts)
    lists = want & ANY_USER_LIST
    if FactKind.SUMMARY not in want or not lists or not isinstance(requirement.subject, UserId):
        return (requirement,)
    if want is not lists | FactKind.SUMMARY or lists & NAMING_LISTS:
        return (requirement,)
    return replace(requirement, want=lists), replace(requirement, want=FactKind.SUMMARY)


def _rank(requirement: Requirement, in_trays: bool) -> int:
    """Return the rank. `in_trays`: the items of a highlight are in its owner's tray."""
    subject, want = requirement.subject, requirement.want
    if isinstance(subject, UserId):
        return 0 if want & LISTS_OR_PROFILE else 3
    if isinstance(subject, Username):
        return 1 if want & LISTS_OR_PROFILE else 4
    if isinstance(subject, HighlightId):
        return 0 if FactKind.HIGHLIGHT in want and not in_trays else 2
    if isinstance(subject, ItemId):
        return 3
    return 5 if want is FactKind.COMMENT_COUNT else 0


class _EarlierAnswers:
    """The answers to requirements of lower ranks, which are bought earlier.

    Each property is computed once for each kind of requirement, and only if there is one of the kind: comparing each
    requirement with each would take quadratic time.
    """

    def __init__(self, questions: Sequence[Requirement], known: Known, in_trays: bool) -> None:
        self._questions = questions
        self._known = known
        self._in_trays = in_trays

    def may_meet(self, requirement: Requirement) -> bool:
        """Return whether one of the answers may meet `requirement`, or make it cheaper."""
        subject, want = requirement.subject, requirement.want
        if isinstance(subject, Username):
            if FactKind.PROFILE not in want:
                return self._reveals_names or self._reveals_owners
            return self._reveals_names if want & ANY_USER_LIST else self._reveals_names_with_profile
        if isinstance(subject, UserId):
            return bool(self._by_name) or self._reveals_owners
        if isinstance(subject, HighlightId):
            return bool(self._trays) and self._may_be_in_a_tray(subject)
        if isinstance(subject, ItemId):
            return self._lists_items or self._may_be_in_a_highlight(subject)
        return want is FactKind.COMMENT_COUNT and self._lists_posts

    @cached_property
    def _by_id(self) -> list[tuple[UserId, FactKind]]:
        return [(one.subject, one.want) for one in self._questions if isinstance(one.subject, UserId)]

    @cached_property
    def _by_name(self) -> list[tuple[Username, FactKind]]:
        return [(one.subject, one.want) for one in self._questions if isinstance(one.subject, Username)]

    @cached_property
    def _highlights(self) -> dict[HighlightId, None]:
        return {one.subject: None for one in self._questions if isinstance(one.subject, HighlightId)}

    @cached_property
    def _reveals_names(self) -> bool:
        """True if the name of a user requested by id is unknown."""
        return any(want & NAMING and self._known.name_of(user) is None for user, want in self._by_id)

    @cached_property
    def _reveals_names_with_profile(self) -> bool:
        """True if the name of a user whose profile is requested is unknown."""
        return any(FactKind.PROFILE in want and self._known.name_of(user) is None for user, want in self._by_id)

    @cached_property
    def _reveals_owners(self) -> bool:
        """True if an answer names the owner of a requested object, and that name is unknown."""
        return self._names_authors or any(not self._known.names_owner(highlight) for highlight in self._highlights)

    @cached_property
    def _names_authors(self) -> bool:
        """True if an object is requested by its id whose answer names its author, and which is no highlight."""
        known = (UserId, Username, HighlightId)
        return any(one.want & NAMING_ANSWERS for one in self._questions if type(one.subject) not in known)

    @cached_property
    def _trays(self) -> set[UserId | Username]:
        wanted: list[tuple[UserId | Username, FactKind]] = [*self._by_id, *self._by_name]
        return {user for user, want in wanted if FactKind.TRAY in want}

    @cached_property
    def _lists_items(self) -> bool:
        """True if a list of items is requested."""
        return any(want & ITEM_LISTS for _, want in (*self._by_id, *self._by_name))

    @cached_property
    def _lists_posts(self) -> bool:
        """True if a page of posts is requested: the numbers of comments on them may be wanted, too."""
        return any(one.want & POST_LISTS for one in self._questions)

    @cached_property
    def _has_named_trays(self) -> bool:
        return any(isinstance(user, Username) for user in self._trays)

    def _may_be_in_a_tray(self, highlight: HighlightId) -> bool:
        owner = self._known.owner_of(highlight)
        if owner is None or owner in self._trays:
            return True
        if not self._has_named_trays:
            return False
        name = self._known.name_of(owner)
        return name is None or Username(name) in self._trays

    def _may_be_in_a_highlight(self, item: ItemId) -> bool:
        trays = self._trays if self._in_trays else ()
        if not self._highlights and not trays:
            return False
        highlight = self._known.highlight_of(item)
        if highlight is None or highlight in self._highlights:
            return True
        return bool(trays) and self._may_be_in_a_tray(highlight)


class _CallSelector:
    """The translation of requirements into calls."""

    def __init__(self, known: Known, prices: Prices, forced: bool) -> None:
        self.known = known
        self.prices = prices
        self.endpoints = prices.endpoints
        self.forced = forced

    def purchases(self, chosen: Iterable[Requirement]) -> Iterator[Purchase]:
        seen: set[Call] = set()
        chosen = list(chosen)
        containing_calls = self._cheaper_as_one_call(chosen)
        batches = self._batches(chosen)
        for requirement in chosen:
            if requirement.want is FactKind.COMMENT_COUNT and requirement.subject in batches:
                purchase = batches[requirement.subject]
                if purchase.call not in seen:
                    seen.add(purchase.call)
                    yield purchase
                continue
            containing = containing_calls.get(requirement.subject)
            for call in (containing,) if containing else self._calls(requirement):
                if call not in seen:
                    seen.add(call)
                    deeper = requirement.deeper is not NONE and bool(requirement.deeper & call.endpoint.answers)
                    yield Purchase(call, self.prices.of(call), requirement.path, requirement.times, deeper)

    def _calls(self, requirement: Requirement) -> Iterator[Call]:
        """Yield the calls. Raise AssertionError where none answers: a wrong call would be bought."""
        subject, want = requirement.subject, requirement.want
        if want not in OF_SUBJECT[type(subject)]:
            raise AssertionError(f"no call answers {want} about {subject}")
        if isinstance(subject, UserId):
            for kind in USER_LISTS:
                if kind in want:
                    yield self._by_id(kind, subject.pk)
            if FactKind.PROFILE in want or (want & NAMED and not want & NAMING_LISTS):
                yield self._by_id(FactKind.PROFILE, subject.pk)
        elif isinstance(subject, Username):
            endpoint = self._list_by_name(requirement) or self._endpoint(FactKind.PROFILE, Username)
            yield self._call(endpoint, subject.name)
        elif isinstance(subject, HighlightId):
            yield self._by_id(FactKind.HIGHLIGHT, subject.pk)
        elif isinstance(subject, ListPlace):
            for kind in want:
                yield self._call(self._endpoint(kind, type(subject.owner)), subject.owner.pk, subject.cursor)
        else:
            yield from self._about(subject, want)

    def _about(self, subject: EntityId, want: FactKind) -> Iterator[Call]:
        """Yield the calls for each fact. The comment count of one post costs no less than the post, which tells it."""
        if FactKind.COMMENT_COUNT in want:
            want = want & ~FactKind.COMMENT_COUNT | FactKind.MEDIA
        for kind in want:
            yield self._by_id(kind, subject.pk)

    def _list_by_name(self, requirement: Requirement) -> Endpoint | None:
        """Return the endpoint that answers a single list by name, if that costs no more than finding the id first.

        None if other facts are wanted that the list may not reveal, also of the users that its entries name: the user
        is one of them.
        """
        want = requirement.want
        lists = want & ANY_USER_LIST
        if len(lists) != 1 or FactKind.PROFILE in want:
            return None
        if not lists & NAMING_LISTS and (want & NAMED or lists & requirement.deeper):
            return None
        by_name = self.endpoints.find(lists, Username)
        by_id, profile = self._endpoint(lists, UserId), self._endpoint(FactKind.PROFILE, Username)
        if by_name is None or self._nominal(by_name) > self._nominal(profile) + self._nominal(by_id):
            return None
        return by_name

    def _endpoint(self, kind: FactKind, by: type[EntityId | Username]) -> Endpoint:
        return self.endpoints.answering(kind, by)

    def _by_id(self, kind: FactKind, key: str) -> Call:
        return self._call(self.endpoints.answering(kind, ANSWERS[kind].subject), key)

    def _call(self, endpoint: Endpoint, key: str, cursor: str = "") -> Call:
        return Call(endpoint, key, self.forced and endpoint.forced_price is not None, cursor)

    def _nominal(self, endpoint: Endpoint) -> int:
        return self._call(endpoint, "").nominal_price

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
        subject = requirement.subject
        if isinstance(subject, HighlightId) and (
            self.endpoints.trays_have_items or requirement.want is FactKind.TRAY_ENTRY
        ):
            owner = self.known.owner_of(subject)
            is_open = owner is not None and self.known.fact(FactKind.TRAY, owner) is None
            return self._by_id(FactKind.TRAY, owner.pk) if owner and is_open else None
        if isinstance(subject, ItemId):
            container = self.known.highlight_of(subject)
            is_open = container is not None and self.known.fact(FactKind.HIGHLIGHT, container) is None
            return self._by_id(FactKind.HIGHLIGHT, container.pk) if container and is_open else None
        return None

    def _batches(self, chosen: Sequence[Requirement]) -> dict[Subject, Purchase]:
        """Return the purchase of several comment counts at once for each post, if that costs less than the posts."""
        # How many of those that one requirement stands for are bought together is not known.
        counts = [one for one in chosen if one.want is FactKind.COMMENT_COUNT and one.times == 1]
        endpoint = self.endpoints.find(FactKind.COMMENT_COUNT, MediaId) if counts else None
        if endpoint is None:
            return {}
        found: dict[Subject, Purchase] = {}
        size = endpoint.batch_size
        for start in range(0, len(counts), size):
            group = counts[start : start + size]
            call = batch(endpoint, [str(one.subject.key) for one in group])
            purchase = Purchase(call, self.prices.of(call), group[0].path)
            if purchase.price < self._price_of(group):
                found |= {one.subject: purchase for one in group}
        return found

    def _price_of(self, questions: Iterable[Requirement]) -> int:
        return sum(self.prices.of(call) for requirement in questions for call in self._calls(requirement))
