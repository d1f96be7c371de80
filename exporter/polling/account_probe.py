"""The job that asks for the account: does its API key work, its concurrency, its subscription."""

from collections.abc import Mapping

from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.api.schemas import seconds
from exporter.config import Polling
from exporter.errors import ApiError
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success


class AccountProbe:
    """Asks for `/api/accounts/me`: one cheap request that needs only a valid API key."""

    needs_poll_slot = False
    events = Events("account_probe_succeeded", "account_probe_failed", "account_recovered")

    def __init__(self, access: Access, polling: Polling) -> None:
        self._access = access
        self._interval = polling.interval
        self.name = f"account {access.account}"
        self.budget = polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing: every line of the account has its name."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Ask once, and replace the account's snapshot."""
        began = self._access.clock()
        try:
            async with Deadline(self.budget, run.watch) as deadline:
                record = await self._access.client.account(deadline)
        except ApiError as error:
            self._update(up=False)
            return Failure(self._interval, error)
        self._update(
            up=True,
            last_success=began,
            active_calls=record.active_calls,
            allowed_calls=record.allowed_concurrent_calls,
            subscription_expiration=seconds(record.subscription_expiration),
        )
        return Success(self._interval)

    def _update(self, **changes: object) -> None:
        store = self._access.store
        store.put_account(replace(store.account(self._access.account), **changes))
