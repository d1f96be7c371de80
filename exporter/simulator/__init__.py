"""A local Ultravox API over real HTTP: the demo's back end and the tests' fake API.

The map, in the order in which data flow:

    __main__     run the simulator alone
    demo         the demo account: a campaign in each state
    model        frozen definitions: account, agent, campaign, batch
    progress     (campaign, time) -> batch: calls made, calls by status
    state        the simulator, which owns an account and lets tests change it
    records      batch, agent, account, call -> JSON
    pagination   cursors and pages
    api          request -> answer
    server       the simulator over HTTP, and how to ask it

The package imports nothing of the rest of the exporter, which knows it only as a server.
"""

from exporter.simulator.demo import demo_account
from exporter.simulator.model import Account, Agent, Batch, Campaign
from exporter.simulator.server import curl_examples, serve
from exporter.simulator.state import DEFAULT_KEY, ReceivedRequest, Simulator

__all__ = [
    "DEFAULT_KEY",
    "Account",
    "Agent",
    "Batch",
    "Campaign",
    "ReceivedRequest",
    "Simulator",
    "curl_examples",
    "demo_account",
    "serve",
]
