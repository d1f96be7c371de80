"""A local Ultravox API over real HTTP: the demo's back end and the tests' fake.

The map, in the order in which data flow:

    __main__     run it alone
    scenarios    the demo account
    campaigns    the demo's batches, a scenario each
    crowd        an agent with a thousand one-call batches
    model        frozen records: what an account is
    dialling     how a campaign goes on: (definition, time) -> counts
    identifiers  ids that depend on the seed alone
    state        the simulator, which owns an account and lets tests change it
    shelf        an agent's batches, in the order in which they are listed
    rows         frozen records -> JSON
    canaries     the secrets in it, which no monitor may let out
    paging       cursors and pages
    api          request -> answer
    faults       which requests go wrong
    effects      how they go wrong
    sabotage     answer -> faulty answer
    transport    how an answer reaches the client, or fails to
    server       the simulator over HTTP

Nothing here knows of the rest of the package: it stands for somebody else's server.
"""

from exporter.simulator.canaries import CANARIES
from exporter.simulator.faults import Fault
from exporter.simulator.model import Account, Agent, Batch, Campaign
from exporter.simulator.scenarios import demo_account
from exporter.simulator.server import serve
from exporter.simulator.state import DEFAULT_KEY, Request, Simulator

__all__ = [
    "CANARIES",
    "DEFAULT_KEY",
    "Account",
    "Agent",
    "Batch",
    "Campaign",
    "Fault",
    "Request",
    "Simulator",
    "demo_account",
    "serve",
]
