"""The fake API of the tests: the simulator, and faults on the requests that a test chooses.

The map: `faults` (which requests are hit, and by what), `answers` (other answers than the API's),
`transport` (answers that break on their way), `server` (the simulator with faults, over HTTP),
`responses` (random HTTP responses from a seed), `fuzz` (the client gets them; `make fuzz`).

    simulator = Simulator(Account(name="test"))
    agent = simulator.add_agent("Renewals")
    batch = simulator.create(agent, total_count=10)
    simulator.faults.add(Fault(effect=Status(429, retry_after=3), agent_id=agent, times=1))
    simulator.faults.add(Fault(effect=Before(lambda: simulator.delete(batch)), page=2))
    async with serve(simulator) as url: ...

A `Fault` has an effect, and hits the requests that match all of `path` (a glob of whole segments),
`agent_id`, `page` (of a listing, from 1) and `times` (the number of requests). `faults.add` returns
a `Handle` with `hits` and `remove()`; `faults.clear()` removes all faults.

    Before(call)             run `call` before the answer is made, which shows the change
    After(call)              run `call` before the answer is sent, which does not show it
    Delay(seconds)           answer late
    Hang()                   never answer
    Status(status, retry_after, body, content_type)   answer with that status
    Redirect(location, status)                        answer with a redirect, 302
    Replace(body, content_type, status)               answer with bytes, or a value as JSON
    NotJson()                answer 200 with a page of HTML
    WrongType(field, value, index)  put `value` into each record, or into one
    Missing(field, index)    leave `field` out of each record, or of one
    ForeignNext(base_url)    `next` names another server
    RepeatNext()             `next` is the page itself
    EmptyNext()              `next` is `""` on the last page
    NoLinks()                no `next` and no `previous` on the last page
    NoTotal()                no `total`
    WithoutNext()            no `next`, also before the last page
    OldestFirst()            the opposite order
    Headers(headers)         other headers
    Respelled()              the same values written in another way
    HangInBody()             send half the body, then nothing
    CutBody()                send half the body, then close the connection
    Reset()                  close the connection without an answer
    Huge(mebibytes)          stream that many MiB before the real object; still JSON
    CorruptGzip(garbage)     send gzip that is cut, or bytes that are not gzip
    Bomb(mebibytes)          send gzip of that many MiB of spaces and the real object
    Raw(make)                send the bytes that `make` returns, and close the connection

If several hit one request: hooks (`Before`, `After`) run, delays add up, changes to the answer are
made in the order of adding, and of the last seven only the first has an effect. A fault also hits
requests with a wrong key. aiohttp's client retries once when a connection breaks before the
answer: one `Reset` may receive two requests.
"""

from exporter.simulator.demo import WEBHOOK_URL_CANARY
from exporter.simulator.model import WEBHOOK_CANARY
from exporter.simulator.records import METADATA_CANARY, PHONE_CANARY, TEMPLATE_CANARY
from tests.fake_api.faults import Fault
from tests.fake_api.server import Simulator, serve

CANARIES = (
    WEBHOOK_CANARY,
    WEBHOOK_URL_CANARY,
    TEMPLATE_CANARY,
    PHONE_CANARY,
    METADATA_CANARY,
)
"""Strings in the places of the API's secrets and personal data: no monitor may show any of them."""

__all__ = ["CANARIES", "Fault", "Simulator", "serve"]
