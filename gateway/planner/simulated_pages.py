"""Simulated pages of lists that the upstream pages."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from gateway.domain.account_history import AccountHistory
from gateway.domain.comments import Comment
from gateway.domain.hashtags import Hashtag
from gateway.domain.list_pages import Entry, ListPage
from gateway.domain.locations import Location
from gateway.domain.media import ListedMedia, UserTag
from gateway.domain.users import ListedUser, Model, UserSummary
from gateway.planner.simulated_objects import NewPk, SimulatedHashtag, someone
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANSWERS, FactKind

# Entries that name nobody, made of a pk.
ENTRIES: Mapping[type[Model] | None, Callable[[str], Entry]] = {
    Hashtag: SimulatedHashtag,
    Location: lambda pk: Location(pk, pk),
    AccountHistory: lambda pk: AccountHistory(),
}


SIMULATED = "\0"  # before a cursor that no upstream has issued


class Case(enum.Enum):
    """The case that a scenario assumes: the cheapest, a usual or the most expensive one."""

    BEST = enum.auto()
    EXPECTED = enum.auto()
    WORST = enum.auto()


class SimulatedPage(ListPage, frozen=True, gc=False):
    """A page of the list `answers` whose one entry stands for all that its slice has room for.

    `count` is the number of entries that the page brings.
    """

    count: int = 0
    answers: FactKind = FactKind.NOTHING


def page_after(call: Call, case: Case, new_pk: NewPk) -> SimulatedPage:
    """Return the page that answers `call`: in the best case the end of the list.

    In the worst case all entries that the slice has room for are on its first page that is bought, and each page brings
    one, so that as many pages as possible are bought.
    """
    answers, size = call.endpoint.answers, call.endpoint.page_size
    owner = UserSummary(call.key, username=f"?{call.key}") if ANSWERS[answers].names_user else None
    if case is Case.BEST:
        return SimulatedPage(owner=owner)
    next_cursor = SIMULATED + new_pk() if call.endpoint.is_paged else None
    if case is Case.EXPECTED:
        entry = entry_of(answers, owner, case, new_pk)
        return SimulatedPage((entry,), next_cursor, owner, count=size, answers=answers)
    entries = () if call.cursor.startswith(SIMULATED) else (entry_of(answers, None, case, new_pk),)
    return SimulatedPage(entries, next_cursor, count=1, answers=answers)


def entry_of(answers: FactKind, owner: UserSummary | None, case: Case, new_pk: NewPk) -> Entry:
    """Return an entry of the list. `owner` is the author of its posts; None for another one.

    Most lists of posts tell the number of comments on each.
    """
    kind, pk = ANSWERS[answers].entries, new_pk()
    if kind is ListedMedia:
        tag, author, sponsor, coauthor = [someone(new_pk) for _ in range(4)]
        return ListedMedia(
            pk,
            author=owner or author,
            comment_count=None if case is Case.WORST else 0,
            tagged_users=(UserTag(tag),),
            sponsors=(sponsor,),
            coauthors=(coauthor,),
            location=Location(pk, new_pk()),
        )
    if kind is Comment:
        parent = new_pk() if answers is FactKind.REPLIES else None
        return Comment(pk, author=someone(new_pk), media_id=new_pk(), parent_id=parent)
    return someone(new_pk) if kind is ListedUser else ENTRIES[kind](pk)
