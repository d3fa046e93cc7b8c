"""Where the planner may pay more than the optimum in hindsight, because it depends on what nobody can know before.

Each gap is seen in what was bought, and bounds the loss it explains. Without one, paid and optimum are equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.answers import (
    BRIEF,
    HOME,
    ID,
    ITEM,
    ITEMS,
    NAMED_STORIES,
    PAGE,
    PK,
    POST,
    PROFILE,
    SHELF,
    SHORT,
    STORIES,
    TRAY,
    place_of,
)
from tests.planner.listings import Of, Refusal
from tests.planner.oracle import Oracle
from tests.planner.selections import By, UserRoot
from tests.planner.worlds import LARGEST_BATCH, LISTS, Account, Kind

PLACES = {"hashtag": Of.TAG, "location": Of.SPOT}


@dataclass(frozen=True)
class Gaps:
    """What one operation bought, against the oracle of its case. Amounts are billed requests."""

    oracle: Oracle
    bought: Collection[Call]

    def explained(self) -> dict[str, int]:
        """By name, how much each gap explains."""
        return {
            "nobody there": self._nobody_there(),
            "a tray that does not tell whose it is": self._untelling(),
            "a highlight without items": self._itemless(),
            "a highlight of an unknown owner": self._ownerless(),
            "one account by name and by another way": self._twofold(),
            "a profile that is wanted deeper": self._deeper(),
            "items of one highlight": self._items_apart(),
            "an item that its highlight shows with its owner": self._items_owned(),
            "an item that its author's stories show": self._items_shown_later(),
            "a profile whose short fields a post shows": self._shown_by_a_post(),
            "a profile whose short fields a later list shows": self._shown_by_a_list(),
            "numbers of comments one after the other": self._counted_apart(),
            "cached pages before a cursor that is refused": self._started_over(),
        }

    def _nobody_there(self) -> int:
        """The cheapest call would have told that an account, hashtag or location is not there: the others were in vain.

        They are made in the same step, or are dearer, because most of those that are asked for exist.
        """
        prices: dict[tuple[str, str], list[int]] = defaultdict(list)
        for call in self.bought:
            if self._is_about_nobody(call):
                prices[call.endpoint.noun, call.key].append(call.nominal_price)
        return sum(sum(paid) - 1 for paid in prices.values())

    def _is_about_nobody(self, call: Call) -> bool:
        of = PLACES.get(call.endpoint.noun)
        if of is None:
            return call.endpoint.noun == "user" and self._account(call) is None
        found = self.oracle.world.places[of].get(call.key)
        return found is None or found.kind is Kind.MISSING

    def _untelling(self) -> int:
        """An empty or private tray, asked for by name, leaves the account's id and short fields to be bought: one more.

        If the same tray was asked for by id too, now or before, it did not tell the name either, and is paid twice.
        """
        price = 0
        for call, account in self._trays_by_name():
            if not account.tray(forced=call.forced):
                by_id = Call(endpoints.TRAY, account.pk, call.forced) in self.bought
                twice = by_id or (TRAY, account.pk) in self.oracle.cached
                price += call.nominal_price if twice else 1
        return price

    def _itemless(self) -> int:
        """A highlight asked for by id turns out to have no items, which its tray would have said for nothing."""
        owners = self.oracle.world.owners
        return sum(pk in owners and not owners[pk][1].stories for pk in self._highlights())

    def _ownerless(self) -> int:
        """A highlight is bought to show what its owner's tray would show, because nobody knows who owns it."""
        return sum(
            (HOME, pk) not in self.oracle.cached and not self.oracle.requires((ITEMS, pk)) for pk in self._highlights()
        )

    def _twofold(self) -> int:
        """An account that was bought by name is also needed in another way.

        It is queried by id, or mentioned, or one of its highlights or items is, or a page or a post shows it: to buy
        its lists by id, which is one less, would have been a guess. A highlight mentions it also where it was bought
        for its title alone.
        """
        owners, shelves = self.oracle.world.owners, self.oracle.world.shelves
        ids = {key for by, key in self.oracle.operation.user_keys() if by is By.ID}
        ids |= {owners[pk][0].pk for pk in self.oracle.operation.highlight_keys() if pk in owners}
        items = self.oracle.world.items
        ids |= {items[pk][0].pk for pk in self.oracle.operation.item_keys() if pk in items}
        bought = set(self._highlights())
        shown = [
            story for _, reel, story in shelves.values() if reel.pk in bought or self.oracle.requires((ITEMS, reel.pk))
        ]
        for account, story in self.oracle.world.items.values():
            by_name = self.oracle.requires((NAMED_STORIES, account.name))
            if by_name or self.oracle.requires((STORIES, account.pk)) or self.oracle.requires((ITEM, story.pk)):
                shown.append(story)
        for story in shown:
            ids |= {self.oracle.world.accounts[position].pk for position in (*story.mentions, *story.sponsors)}
        ids |= self._shown_by_pages()
        return sum(account.pk in ids for account in self._named())

    def _shown_by_pages(self) -> set[str]:
        """The accounts that the pages and the posts that are required name."""
        calls = (call for call in self.oracle.calls if call.endpoint in LISTS or call.endpoint is endpoints.MEDIA)
        return {key for call in calls for noun, key in self.oracle.told[call] if noun == ID}

    def _named(self) -> Iterator[Account]:
        """The accounts that were bought by name, where their profile alone was not what was wanted."""
        for call in self.bought:
            account = self._account(call) if call.endpoint.by_name else None
            if account is not None and not (call.endpoint is endpoints.PROFILE_BY_USERNAME and self._wants(account)):
                yield account

    def _wants(self, account: Account) -> bool:
        return self.oracle.requires((PROFILE, account.pk))

    def _deeper(self) -> int:
        """A tray was bought by name, and only then its owner turned up elsewhere, of whom more is wanted there."""
        roots = self.oracle.operation.roots
        foreseen = {
            key
            for root in roots
            if isinstance(root, UserRoot) and "biography" in root.below.fields
            for _, key in root.keys
        }
        return sum(
            Call(endpoints.PROFILE, account.pk) in self.bought and account.name not in foreseen
            for _, account in self._trays_by_name()
        )

    def _items_apart(self) -> int:
        """Items queried by their own ids lie in one highlight.

        No response has shown them in it before; or more of it is needed.
        """
        shelves = self.oracle.world.shelves
        items = [call.key for call in self.bought if call.endpoint is endpoints.ITEM and call.key in shelves]
        deeper = {
            pk for pk in self._highlights() if (PK, pk) not in self.oracle.given or (BRIEF, pk) in self.oracle.cached
        }
        return len(items) - len({shelves[pk][1].pk for pk in items} - deeper)

    def _items_owned(self) -> int:
        """One item is bought by itself, although its highlight is known, which has the owner's short fields as well.

        The price is the same: that these fields are needed too is a coincidence the plan does not look for.
        """
        shelves = self.oracle.world.shelves
        items = (call.key for call in self.bought if call.endpoint is endpoints.ITEM and call.key in shelves)
        return sum((SHELF, shelves[pk][1].pk) in self.oracle.cached for pk in items)

    def _items_shown_later(self) -> int:
        """An item is bought by itself, and its author's stories turn out to be needed, which show it as well.

        Who is mentioned, follows or comments is known after the answers that name them.
        """
        roots = self.oracle.operation.roots
        foreseen = {key for root in roots if isinstance(root, UserRoot) and root.below.stories for _, key in root.keys}
        bought = {call.key for call in self.bought if call.endpoint is endpoints.STORIES}
        late = (account for account in self.oracle.world.accounts if not {account.pk, account.name} & foreseen)
        live = {story.pk for account in late if account.pk in bought for story in account.live}
        return sum(call.key in live for call in self.bought if call.endpoint is endpoints.ITEM)

    def _shown_by_a_post(self) -> int:
        """A profile is bought for its short fields, and a post turns out to be by that account, and shows them as well.

        Which posts there are is known after the items that name them, and by whom they are after the posts.
        """
        posts = self.oracle.world.posts_by_pk
        authors = {
            posts[call.key][0].pk for call in self.bought if call.endpoint is endpoints.MEDIA if call.key in posts
        }
        return len(self._profiles_for_short_fields() & authors)

    def _shown_by_a_list(self) -> int:
        """A profile is bought for its short fields, and the account's tray or posts turn out to show them too.

        A live story or a page leads there: what they name is known at the same time as the profile.
        """
        roots = self.oracle.operation.roots
        foreseen = {
            key
            for root in roots
            if isinstance(root, UserRoot) and (root.below.trays or root.below.posts)
            for _, key in root.keys
        }
        lists = (endpoints.TRAY, list_endpoints.POSTS)
        showing = {
            call.key
            for call in self.bought
            if call.endpoint in lists and (SHORT, call.key) in self.oracle.told.get(call, ())
        }
        stories = {call.key for call in self.bought if call.endpoint is endpoints.STORIES}
        late = stories | self._shown_by_pages()
        return len((self._profiles_for_short_fields() & showing & late) - foreseen)

    def _counted_apart(self) -> int:
        """Numbers of comments are bought, and posts turn up later of which they are wanted, too, or which have them."""
        counts = [call for call in self.bought if call.endpoint is list_endpoints.COMMENT_COUNTS]
        posts = [call.key for call in self.bought if call.endpoint is endpoints.MEDIA]
        apart = [pk for pk in posts if not self.oracle.requires((POST, pk))]
        counted = {pk for call in counts for pk in call.key.split(",")} | set(apart)
        needed = counted - {pk for pk in posts if self.oracle.requires((POST, pk))}
        return len(counts) + len(apart) - -(-len(needed) // LARGEST_BATCH)

    def _started_over(self) -> int:
        """A refused cursor made the cached pages of its list worthless, and they turned out to be needed after it."""
        pages = [call for call in self.bought if call.endpoint in LISTS]
        world = self.oracle.world
        refused = {
            (call.endpoint, call.key)
            for call in pages
            if world.leaf(LISTS[call.endpoint], call.key, call.cursor) is Refusal.DEAD
        }
        again = [call for call in pages if (PAGE, place_of(call)) in self.oracle.cached]
        return sum((call.endpoint, call.key) in refused for call in again)

    def _profiles_for_short_fields(self) -> set[str]:
        profiles = {call.key for call in self.bought if call.endpoint is endpoints.PROFILE}
        return {pk for pk in profiles if not self.oracle.requires((PROFILE, pk))}

    def _trays_by_name(self) -> Iterator[tuple[Call, Account]]:
        for call in self.bought:
            if call.endpoint is endpoints.TRAY_BY_USERNAME and (account := self._account(call)):
                yield call, account

    def _highlights(self) -> Iterator[str]:
        yield from (call.key for call in self.bought if call.endpoint is endpoints.HIGHLIGHT)

    def _account(self, call: Call) -> Account | None:
        world = self.oracle.world
        account = world.by_id.get(call.key) or world.by_name.get(call.key)
        return None if account is None or account.kind is Kind.MISSING else account
