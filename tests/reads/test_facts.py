"""Facts, and the user that an answer is about."""

from __future__ import annotations

import pytest

from gateway.domain.comments import Comment
from gateway.domain.ids import ListPlace, UserId, Username
from gateway.domain.list_pages import CommentPage, MediaPage, UserPage
from gateway.domain.media import ListedMedia
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import ListedUser, Profile, UserSummary
from gateway.errors import GatewayError, NotFound
from gateway.reads.facts import (
    ANSWERS,
    ANY_PAGED_LIST,
    ENTITY_TYPES,
    OF_SUBJECT,
    PAGED_LISTS,
    EntityType,
    FactKind,
    Value,
    user_of,
)

ANN = UserSummary("10", username="ann")
PROFILE = Profile("10", username="ann")
ITEM = Item("1000", "1000_10", author=UserSummary("10"))


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        (PROFILE, PROFILE),
        (ANN, ANN),
        (LoadedHighlight("100", ANN), ANN),
        ((Highlight("100", ANN), Highlight("101", ANN)), ANN),
        ((LoadedHighlight("100", ANN, items=(ITEM,)),), ANN),
        ((ITEM,), ITEM.author),
        (LoadedHighlight("100", None), None),
        (ITEM, None),  # it names its author by id alone
        ((), None),
        (NotFound("There is no such user."), None),
        (MediaPage((), owner=ANN), ANN),
        (MediaPage((ListedMedia("70", author=ANN),)), None),
        (UserPage((ListedUser("10", username="ann"),)), None),
        (CommentPage((Comment("80", author=ANN),)), None),
    ],
    ids=[
        *("profile", "summary", "highlight", "tray", "items", "stories", "ownerless", "item", "empty", "error"),
        *("posts", "posts of another", "followers", "comments"),
    ],
)
def test_an_answer_names_the_user_that_it_is_about(
    answer: Value | UserSummary | GatewayError, user: UserSummary | None
) -> None:
    assert user_of(answer) is user


def test_a_list_of_items_names_its_user_by_id_even_where_an_item_names_its_author() -> None:
    assert user_of((Item("1000", "1000_10", author=ANN),)) == UserSummary("10")


def test_an_entity_is_answered_by_a_fact_about_its_id() -> None:
    for typename, entity in ENTITY_TYPES.items():
        assert (entity.typename, entity) == (typename, EntityType[entity.name])
        assert entity.answer in OF_SUBJECT[entity.id]


def test_a_place_in_a_list_has_the_facts_that_are_pages() -> None:
    """Its owner may be of any type that has such lists; they begin with the owner's own page."""
    assert OF_SUBJECT[ListPlace] == ANY_PAGED_LIST
    for kind in PAGED_LISTS:
        assert kind in OF_SUBJECT[ANSWERS[kind].subject]
        page = ANSWERS[kind].page
        assert page is not None
        assert page().entries == ()


def test_what_tells_the_length_of_a_list_is_a_fact_about_its_owner() -> None:
    for kind in PAGED_LISTS:
        assert ANSWERS[kind].total in OF_SUBJECT[ANSWERS[kind].subject]
    lengths = {ANSWERS[kind].total for kind in (FactKind.POSTS, FactKind.FOLLOWERS, FactKind.FOLLOWING)}
    assert lengths == {FactKind.PROFILE}
    assert ANSWERS[FactKind.COMMENTS].total is FactKind.NOTHING  # its pages tell it


def test_a_user_by_name_has_the_facts_of_one_by_id() -> None:
    assert OF_SUBJECT[UserId] == OF_SUBJECT[Username]
    assert FactKind.IDENTITY | FactKind.SUMMARY | FactKind.PROFILE | FactKind.TRAY in OF_SUBJECT[UserId]
