"""The account's loop: whether its key works, and its concurrency."""

import structlog
from msgspec.structs import replace

from exporter.api.deadline import deadline
from exporter.errors import ApiError
from exporter.polling.context import Context
from exporter.polling.schedule import backed_off

log = structlog.get_logger()


class Probe:
    """Asks `/api/accounts/me`: one cheap request that needs nothing but a valid key."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._failures_in_a_row = 0
        self.name = f"account {context.account.name}"
        self.budget = context.config.polling.timeout
        self.turn = context.client.side_turn

    async def step(self) -> float:
        """Ask once, replace the account's snapshot, and return the seconds to the next time."""
        context = self._context
        began = context.clock()
        try:
            async with deadline(context.config.polling.timeout):
                row = await context.client.account()
        except ApiError as error:
            self._failures_in_a_row += 1
            self._put(error, up=False)
        else:
            self._failures_in_a_row = 0
            self._put(
                None,
                up=True,
                last_success=began,
                active_calls=row.active_calls,
                allowed_calls=row.allowed_concurrent_calls,
            )
        return backed_off(context.config.polling.interval, self._failures_in_a_row)

    def _put(self, error: ApiError | None, **changes: object) -> None:
        before = self._context.store.account(self._context.account.name)
        after = replace(before, **changes)
        self._context.store.put_account(after)
        changed = before.up is not after.up
        bound = log.bind(account=after.account)
        if error is not None:
            say = bound.warning if changed else bound.debug
            say("account_down", reason=error.reason, error=str(error))
        elif changed:
            bound.info("account_up")
