"""The steps of requests about persons' data, over the stores of the settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gateway.accounts.account_records import AccountRecord
from gateway.accounts.accounts import Accounts
from gateway.accounts.port import ConnectedAccounts
from gateway.audit.trail import Action, AuditUnavailable
from gateway.clock import Clock
from gateway.composition.account_vault import account_store
from gateway.composition.audit_trail import audit_trail
from gateway.composition.webhook_component import stored_inbox
from gateway.domain.ids import UserId, Username
from gateway.durable.flow_count import flows_in
from gateway.durable.port import Status
from gateway.erasure.request_runner import FLOWS_STEP, POLL_SECONDS, SHARED_STEP, RequestRunner
from gateway.erasure.request_store import ERASURES, RequestStore
from gateway.erasure.requests import DataRequest, NotYet, Person, RequestKind, RequestStep, RequestsUnavailable
from gateway.errors import GatewayError, Unusable
from gateway.publishing.flow_erasure import PersonFlows
from gateway.webhooks.inbox import Inbox, InboxUnavailable

if TYPE_CHECKING:
    from gateway.composition.app import Gateway
    from gateway.composition.control import Control

T = TypeVar("T")
# In that time every process has looked for requests, also one that had none to look for before.
NOTICED_SECONDS = 3 * POLL_SECONDS
# So far may the platform's clock be behind this machine's. A consent of that time is ended: its owner can give it
# again, but cannot know that it goes on.
CLOCKS_SECONDS = 60.0
ELSEWHERE = (
    "There are flows, and this gateway does not publish: a request about a person's data waits until a gateway that "
    "publishes runs on these stores."
)
PASSING = (RequestsUnavailable, AuditUnavailable, InboxUnavailable, GatewayError, Unusable)


class ErasureParts:
    """The store, the steps and the runner of one process."""

    def __init__(self, gateway: Gateway, control: Control, clock: Clock, started_at: float) -> None:
        """`started_at` is when this process started, in Unix seconds."""
        settings, keys = gateway.settings, gateway.keys
        self._settings = settings
        self._control = control
        self._publishing = gateway.publishing
        self._clock = clock
        self._trail = audit_trail(settings, keys.audit, clock)
        self.store = RequestStore(ERASURES.url(settings.flows_url, settings.data_dir), self._trail.key, clock)
        account, record = RequestStep("account", self._end_account), RequestStep("audit trail", self._record)
        steps = {
            RequestKind.DEAUTHORIZATION: (account, RequestStep(FLOWS_STEP, self._cancel_flows), record),
            RequestKind.ERASURE: (
                *(account, RequestStep("account record", self._erase_account)),
                *(RequestStep(FLOWS_STEP, self._erase_flows), RequestStep("webhooks", self._erase_webhooks)),
                *(RequestStep(SHARED_STEP, self._empty_shared), RequestStep("caches", self._wait_for_processes)),
                record,
            ),
        }
        self.runner = RequestRunner(
            self.store, steps, self._forget_here, started_at=started_at, errors=PASSING, clock=clock, hook=gateway.hook
        )

    async def guarded(self, act: Callable[[], T]) -> T:
        """Run a method of the store. Raise RequestsUnavailable for each of its errors that pass."""
        try:
            return await self.runner.call(act)
        except (AuditUnavailable, Unusable) as error:
            raise RequestsUnavailable(str(error)) from error

    async def requested(self, person: Person, actor: str) -> DataRequest:
        """Record a request to erase, and that it was made. Raise RequestsUnavailable."""
        found = await self.guarded(partial(self.store.add, RequestKind.ERASURE, person, actor))
        entry = actor, Action.ERASURE_REQUESTED, found.pseudonym, {"request": found.code}
        await self.guarded(partial(self._trail.append, *entry))
        return found

    async def aclose(self) -> None:
        await self.runner.aclose()
        self._trail.close()

    async def _end_account(self, request: DataRequest, person: Person) -> Person:
        """Forget the token of the account, and learn by which ids and names the gateway knows the person."""
        async with self._accounts() as accounts:
            for id in person.ids:
                record = await _record_of(accounts, id)
                if record is not None and not _is_connected_since(request, record):
                    person = person.known_as(ids=(record.id, record.user_id), names=(record.username,))
                    await accounts.disconnect(record.id)
        names = {} if self._publishing is None else self._publishing.usernames
        return person.known_as(names=tuple(names[id] for id in person.ids if id in names))

    async def _erase_account(self, request: DataRequest, person: Person) -> Person:
        async with self._accounts() as accounts:
            for id in person.ids:
                await accounts.erase(id)
        return person

    @contextlib.asynccontextmanager
    async def _accounts(self) -> AsyncIterator[ConnectedAccounts]:
        """Give the accounts of this process, or a view of its own where it connects none."""
        connected = None if self._publishing is None else self._publishing.accounts.connected
        if connected is not None:
            yield connected
            return
        view = await asyncio.to_thread(Accounts, account_store(self._settings), self._clock, lambda _: None)
        try:
            yield view
        finally:
            await view.aclose()

    async def _cancel_flows(self, request: DataRequest, person: Person) -> Person:
        async with self._accounts() as accounts:
            records = {id: await _record_of(accounts, id) for id in person.ids}
        ended = tuple(
            id for id, record in records.items() if record is None or not _is_connected_since(request, record)
        )
        if not ended:
            return person
        flows = self._flows(ended)
        if flows is None:
            await self._check_no_flows(Status.RUNNING)
        else:
            await flows.cancel()
        return person

    async def _erase_flows(self, request: DataRequest, person: Person) -> Person:
        flows = self._flows(person.ids)
        if flows is None:
            await self._check_no_flows(*Status)
        elif not await flows.erase():
            raise NotYet
        return person

    async def _check_no_flows(self, *statuses: Status) -> None:
        """Raise NotYet if there are flows of these statuses, which only a process that publishes can read and end."""
        if await asyncio.to_thread(flows_in, self._settings.flows_url, statuses):
            raise NotYet(ELSEWHERE)

    async def _erase_webhooks(self, request: DataRequest, person: Person) -> Person:
        async with self._inbox() as inbox:
            if inbox is not None:
                await inbox.erase(person.ids)
        return person

    @contextlib.asynccontextmanager
    async def _inbox(self) -> AsyncIterator[Inbox | None]:
        """Yield the inbox of this process, or one of its own where it receives no webhooks; None if there is none."""
        webhooks = None if self._publishing is None else self._publishing.webhooks
        if webhooks is not None:
            yield webhooks.inbox
            return
        own = await asyncio.to_thread(stored_inbox, self._settings, self._clock)
        try:
            yield own
        finally:
            if own is not None:
                await own.aclose()

    async def _empty_shared(self, request: DataRequest, person: Person) -> Person:
        if not await self._control.empty_shared():
            raise NotYet
        return person

    async def _wait_for_processes(self, request: DataRequest, person: Person) -> Person:
        is_noticed = self._clock.now() - request.requested_at >= NOTICED_SECONDS
        if not await self.runner.is_applied(request) or not is_noticed:
            raise NotYet
        return person

    async def _record(self, request: DataRequest, person: Person) -> Person:
        action = Action.ERASED if request.kind is RequestKind.ERASURE else Action.DEAUTHORIZED
        details = {"request": request.code, "steps": [*request.steps]}
        await self.runner.call(partial(self._trail.append, request.actor, action, request.pseudonym, details))
        return person

    async def _forget_here(self, person: Person | None) -> None:
        if person is None:
            await self._control.forget_person(None)
            return
        names = (Username(name.lower()) for name in person.names)
        await self._control.forget_person([*map(UserId, person.ids), *names])

    def _flows(self, ids: tuple[str, ...]) -> PersonFlows | None:
        if self._publishing is None:
            return None
        return PersonFlows(self._publishing.durable, self._publishing.spool, ids)


async def _record_of(accounts: ConnectedAccounts, id: str) -> AccountRecord | None:
    """Return the account by its pk, or by the platform's id of its owner."""
    return await accounts.account(id) or await accounts.of_platform_user(id)


def _is_connected_since(request: DataRequest, record: AccountRecord) -> bool:
    """Return whether the owner has consented again since the platform signed a deauthorization."""
    if request.kind is not RequestKind.DEAUTHORIZATION or request.issued_at is None:
        return False
    return record.connected_at > request.issued_at + CLOCKS_SECONDS
