"""Facts, and the user that an answer is about."""

from __future__ import annotations

import pytest

from gateway.domain.ids import UserId, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.errors import GatewayError, NotFound
from gateway.reads.facts import ENTITY_TYPES, OF_SUBJECT, EntityType, FactKind, Value, user_of

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
    ],
    ids=["profile", "summary", "highlight", "tray", "items", "stories", "ownerless", "item", "empty", "error"],
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


def test_a_user_by_name_has_the_facts_of_one_by_id() -> None:
    assert OF_SUBJECT[UserId] == OF_SUBJECT[Username]
    assert FactKind.IDENTITY | FactKind.SUMMARY | FactKind.PROFILE | FactKind.TRAY in OF_SUBJECT[UserId]
