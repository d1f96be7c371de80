"""Strings that must never leave the simulated account: a test looks for them in a monitor's output.

Each stands where the real API keeps something secret or personal: see `docs/simulator.md`.
"""

WEBHOOK_CANARY = "canary-webhook-signing-9f2c"
"""In `webhookSecret` of every row, unless another is given."""

WEBHOOK_URL_CANARY = "canary-webhook-address-41d7"
"""In the query of the demo account's `webhookUrl`."""

TEMPLATE_CANARY = "canary-call-template-c03e"
"""In `callTemplate` of every agent."""

PHONE_CANARY = "+15550100"
"""The beginning of every phone number in scheduled calls (a range reserved for fiction)."""

METADATA_CANARY = "canary-customer-data-77ab"
"""In the metadata and the template context of every scheduled call."""

CANARIES = (
    WEBHOOK_CANARY,
    WEBHOOK_URL_CANARY,
    TEMPLATE_CANARY,
    PHONE_CANARY,
    METADATA_CANARY,
)
"""All of them."""
