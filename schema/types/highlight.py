"""The highlight type."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain import ids, models, pages
from gateway.domain.ids import HighlightId
from gateway.domain.models import MediaKind
from gateway.domain.partial import WHOLE, lost, problem_of
from gateway.errors import GatewayError
from gateway.planner.selection import Relation
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import PAGED
from schema.entities import entity
from schema.fields import field_in, map_awaitable, relation
from schema.node import Node
from schema.partial import shortened
from schema.types.connection import After, Before, Connection, First, Last, page_of
from schema.types.cover import Cover
from schema.types.item import Item
from schema.types.named_people import named_user
from schema.types.user import User

Source = models.Highlight | models.HighlightReference
OnlyKind = Annotated[MediaKind | None, strawberry.argument(description="Return only items of this kind.")]


@entity(models.HighlightReference)
@strawberry.federation.type(keys=["id"], description="A named, ordered collection of stories.")
class Highlight(Node):
    id: strawberry.ID = strawberry.field(description="`highlight:<pk>`, the platform's id.")
    pk: strawberry.ID = strawberry.field(description="The platform's numeric id, without the prefix.")
    url: str = strawberry.field(description="URL of the highlight's page.")
    share_url: str = strawberry.field(description="URL that the app's share button creates.")
    title: str = field_in(FactKind.TRAY_ENTRY, "Title of the highlight.")
    cover: Cover | None = field_in(
        FactKind.TRAY_ENTRY, "Cover image, as shown in the tray; null if the platform sends none."
    )
    created_at: datetime | None = field_in(FactKind.TRAY_ENTRY, "Time of creation.")
    latest_media_at: datetime | None = field_in(FactKind.TRAY_ENTRY, "Time at which the newest item was posted.")
    is_pinned: bool | None = field_in(FactKind.TRAY_ENTRY, "True if the highlight is pinned to the front of the tray.")
    media_count: int | None = field_in(
        FactKind.TRAY_ENTRY,
        "Number of items according to the platform. It may exceed the number of items returned: see `missingItemIds`.",
    )

    @relation(Relation.OWNER, "The account that owns the highlight.", shared=True)
    def user(source: strawberry.Parent[models.Highlight], info: Info) -> User | None:
        return named_user(info, source, "owner")

    @relation(
        Relation.ITEMS,
        "Items of the highlight, in its order. One billed request, whatever the arguments.",
        shared=True,
        directives=[PAGED],
    )
    def items(
        source: strawberry.Parent[models.Highlight],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        kind: OnlyKind = None,
    ) -> Connection[Item] | None:
        window = pages.window({"first": first, "after": after, "last": last, "before": before})
        return map_awaitable(items_of(source, info), lambda loaded: page_of_items(loaded, kind, window))  # type: ignore[return-value]

    @field_in(
        FactKind.HIGHLIGHT,
        "Ids of items that the platform lists but does not return: they were deleted or became private.",
    )
    def missing_item_ids(source: strawberry.Parent[models.Highlight], info: Info) -> list[strawberry.ID] | None:
        return map_awaitable(items_of(source, info), missing)  # type: ignore[arg-type, return-value]

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object) -> Source:
        return highlight(info, ids.highlight_id(id, field=field))


def page_of_items(loaded: models.LoadedHighlight, kind: object, window: pages.PageWindow) -> Connection[Item]:
    """Return a page of items. Items whose kind could not be read count as lost if `kind` is given."""
    count = lost(loaded, "items")
    if kind is not None:
        kindless = sum(lost(item, "kind") is not None for item in loaded.items)
        count = (count or 0) + kindless if kindless else count
    return page_of(loaded.items_of(kind), window, lost=count, of=loaded.items)


def missing(loaded: models.LoadedHighlight) -> tuple[str, ...]:
    """Return the ids. Raise UpstreamPartialAnswer if items could not be read: their ids would count as missing."""
    if lost(loaded, "items") is not None:
        raise problem_of(WHOLE)
    return shortened(loaded.missing_item_ids, lost(loaded, "media_ids"))


def items_of(source: Source, info: Info) -> models.LoadedHighlight | Awaitable[models.LoadedHighlight]:
    """Return the highlight with its items, without a request for an empty one. Raise its GatewayError."""
    if isinstance(source, models.Highlight) and source.media_count == 0:
        return models.LoadedHighlight(source.pk, source.owner)
    return info.context.loader.get(FactKind.HIGHLIGHT, HighlightId(source.pk))  # type: ignore[no-any-return]


def highlight(info: Info, key: HighlightId) -> Source:
    """Return as much of the highlight as the operation needs. Raise the highlight's GatewayError."""
    known = info.context.fetcher.facts.fact(FactKind.TRAY_ENTRY, key)
    if isinstance(known, GatewayError):
        raise known.about(key.subject)
    return models.HighlightReference(key.pk) if known is None else known
