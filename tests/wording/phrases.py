"""The banned phrases: each with the plain words that replace it.

A phrase is a regular expression. A space in it matches any run of whitespace, so that a phrase is
found across a line break. `allows` are uses that are right, each with its reason: a match inside of
one of them is no finding. `catches` are examples that the phrase must find.
"""

import re
from collections.abc import Iterator

import msgspec

PROSE = frozenset({"docs", "docstring", "comment", "string", "help"})
"""Kinds of text that are sentences."""

NAME = "name"
"""The kind of names: modules, classes, functions, arguments, variables, log events. A name is
searched as its words, `take_turn` as "take turn"."""

EVERYWHERE = PROSE | {NAME}


class Phrase(msgspec.Struct, frozen=True):
    """A banned phrase. `files` is a regular expression for the paths in which it is banned."""

    pattern: str
    write: str
    catches: tuple[str, ...]
    allows: tuple[tuple[str, str], ...] = ()
    kinds: frozenset[str] = PROSE
    files: str = ""

    def findings(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the places where the phrase is used in a way that is not allowed."""
        allowed = [
            found.span() for pattern, _ in self.allows for found in compiled(pattern).finditer(text)
        ]
        for found in compiled(self.pattern).finditer(text):
            if not any(start <= found.start() and found.end() <= end for start, end in allowed):
                yield found


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a phrase's regular expression."""
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


PHRASES = (
    # Words of our own that have a plain equivalent.
    Phrase(
        r"\b(?:told|tells?|telling)\b",
        "reported, notified, or: the alert fires (a person distinguishes, a log says)",
        catches=("to be told", "what an alert tells", "it is telling"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bturns?\b",
        "poll slot (permission to poll), checkpoint (of long work), or: one after the other",
        catches=("wait for a turn", "polls take turns", "take turn"),
        allows=(
            (r"\bturn(?:s|ed)? (?:(?:it|them) )?(?:on|off|into)\b", "to switch, to convert"),
            (r"\bwrong turns?\b", "a detour"),
            (r"\bin turn\b", "one after the other"),
        ),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\b(?:paces?|paced)\b",
        "completion rate (of a batch), rate limit (of requests), checkpoint (of long work)",
        catches=("at its pace", "paced", "pace"),
        allows=(
            (r"--pace-over\b|\bpace_over\b", "a flag's name is a contract"),
            (r":\w*pace\w*", "a recorded series' name"),
        ),
        kinds=EVERYWHERE,
    ),
    Phrase(r"\bfleets?\b", "supervisor", catches=("the fleet", "fleet"), kinds=EVERYWHERE),
    Phrase(
        r"\bsurvey(?:s|ed|ing)?\b",
        "preflight",
        catches=("survey", "surveys"),
        allows=((r"\bCustomer Survey\b", "the name of an agent of the demo"),),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bwires?\b",
        "schema, or record (what the API sends, typed)",
        catches=("wire records", "wire"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\b(?:mend(?:s|ed|ing)?)\b", "fix", catches=("mended", "mend the file"), kinds=EVERYWHERE
    ),
    Phrase(
        r"\bjudg(?:e|es|ed|ing|e?ments?)\b",
        "validate (a configuration), check, or score (an alert)",
        catches=("judges a configuration", "the judge", "judge cost"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bslices?\b",
        "chunk (batches that are rendered together), or fragment (deflated bytes)",
        catches=("cut into slices", "slice"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bpackings?\b",
        "fragment, or gzip stream",
        catches=("the packing of lines", "packing"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bfalling (?:values?|samples?|series|lines?|blocks?|templates?)\b",
        "countdown (a value that decreases by one per second)",
        catches=("falling values", "a falling template"),
    ),
    Phrase(r"\bfalling\b", "countdown", catches=("falling",), kinds=frozenset({NAME})),
    Phrase(
        r"\boutcomes?\b",
        "call status (of calls), transition or next snapshot (of a poll), result",
        catches=("the outcome of a poll", "Outcomes", "outcomes up"),
        allows=(
            (r"`[^`\n]*\boutcomes\b[^`\n]*`", "a configuration key is a contract"),
            (r"\b(?:batches\.)outcomes\b", "the same key with its section"),
            (r"\boutcomes_interval\b|\boutcomes: ", "the same key in YAML"),
            (r'"outcomes"', "the same key in JSON"),
        ),
        files=r"^(?!(?:exporter|tests)/polling/)",  # where `Outcome` is the result of a job's run
    ),
    Phrase(
        r"\bstages?\b",
        "progress fingerprint",
        catches=("its stage", "stage"),
        allows=((r"\b(?:build|multi|first|last)[ -]stages?\b|\bstages: ", "of an image, of a CI"),),
        kinds=EVERYWHERE,
        files=r"^exporter/|^docs/",
    ),
    Phrase(
        r"\b(?:polic(?:y|ies))\b",
        "selection settings",
        catches=("policy",),
        kinds=frozenset({NAME}),
    ),
    Phrase(
        r"\bfresh(?:ly|ness|er|est)?\b",
        "not stale (data), recent, new, or: age of the data",
        catches=("fresh data", "freshness", "fresh"),
        allows=(
            (r":fresh\b", "a recorded series' name"),
            (
                r"\bfresh (?:\w+ )?(?:clone|checkout|installation|environment|machine|container)\b",
                "of a project or a machine",
            ),
        ),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\b(?:data|numbers?|listings?) (?:to trust|(?:are |is )?trusted)\b"
        r"|\btoo old to trust\b|\btrust(?:ed)? (?:data|numbers?|listings?)\b",
        "stale, not stale",
        catches=("without a listing to trust", "too old to trust", "trusted data"),
        kinds=EVERYWHERE,
    ),
    Phrase(r"\bown metrics\b", "instrumentation", catches=("the exporter's own metrics",)),
    Phrase(
        r"\bpages? of (?:the )?(?:metrics|`?/metrics`?)"
        r"|\b(?:compressed|gzip(?:ped)?|plain) page\b|\bamid the page\b|\btakes? the page\b",
        "exposition, or scrape",
        catches=("a page of metrics", "a compressed page", "a page of `/metrics`"),
    ),
    Phrase(
        r"\b(?:poll(?:s|ing)?|agents?'?|accounts?'?|its|their|each|every|no|all) loops?\b"
        r"|\bloops? (?:of|for) (?:an?|each|every|the) (?:agent|account|probe)\b"
        r"|\bloops? (?:that )?(?:hangs?|lives?)\b",
        "job (run periodically)",
        catches=("each loop", "every loop of an account", "a loop that hangs", "agents' loops"),
    ),
    Phrase(
        r"\brows?\b",
        "record",
        catches=("one wrong row", "rows"),
        allows=(
            (r"\b(?:table|dashboard|grafana) rows?\b|\brows? of (?:the|a) table\b", "of a table"),
            (r"\bin a row\b", "one after the other"),
        ),
        kinds=EVERYWHERE,
        files=r"^exporter/(?:api|polling|metrics|config)/|^exporter/(?:model|selection|store|plan)\.py"
        r"|^HELP ",  # pages of docs/ have tables, and tables have rows
    ),
    Phrase(
        r"\bpages? (?:that )?leads? (?:in a circle|to itself|in circles)\b"
        r"|\bendless(?:ly)? (?:pages?|paging)\b",
        "pagination loop",
        catches=("pages lead in a circle", "a page that leads to itself"),
    ),
    # Health.
    Phrase(
        r"\bill\b", "down, failed, or failing", catches=("well or ill", "ill"), kinds=EVERYWHERE
    ),
    Phrase(
        r"\bwell\b",
        "up, successful, recovered, valid, or correctly",
        catches=("is the API well", "key file well again", "every agent well", "ends it well"),
        allows=(
            (r"\bas well\b", "also"),
            (r"\bwell[- ](?:known|formed|defined|tested|within)\b", "fixed expressions"),
        ),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\bhealthy again\b|\b(?:is|are|be|comes?|came) up again\b",
        "recovered",
        catches=("healthy again", "when it is up again"),
        kinds=EVERYWHERE,
    ),
    Phrase(r"\bleast grave\b", "minimum level", catches=("the least grave lines",)),
    Phrase(
        r"\b(?:nobody|somebody|who|whom(?:ever)?|whoever|person|people) (?:that |who )?"
        r"(?:is |are |it )?(?:woken|wakes?)\b|\bwakes? (?:somebody|nobody|anybody|you)\b"
        r"|\bis woken\b",
        "on-call, or: notifies the on-call",
        catches=("whoever is woken", "wakes somebody", "who is woken"),
    ),
    # Vague or archaic words.
    Phrase(r"\bso long\b", "name the time", catches=("for so long",)),
    Phrase(r"\bso (?:many|much|few)\b", "name the number", catches=("so many seconds",)),
    Phrase(r"\bwho(?:m|se)?ever\b", "name the person or program", catches=("whoever starts",)),
    Phrase(
        r"\bnobody else(?:'?s)?\b|\bnobody's\b",
        "name who is meant: no other account, no other agent",
        catches=("nobody else's", "nobody else waits"),
    ),
    Phrase(r"\bwithout further ado\b", "directly", catches=("without further ado",)),
    Phrase(r"\btruly\b", "reliably, or leave it out", catches=("to be told, truly",)),
    Phrase(r"\bheard of\b", "polled, or scraped", catches=("was heard of",)),
    Phrase(
        r"\blately\b",
        "recently, last scraped, or name the time",
        catches=("seen lately", "ended lately"),
        kinds=EVERYWHERE,
    ),
    Phrase(
        r"\b(?:ask|asks|asked|asking|tried|tries) again\b",
        "retried",
        catches=("is asked again", "what is tried again"),
    ),
    Phrase(
        r"\b(?:looks?|looked|looking) for (?:the )?agents\b|\bcan(?:'t|not) be looked for\b",
        "discovers agents; agent discovery is failing",
        catches=("look for agents", "agents can't be looked for"),
    ),
    Phrase(
        r"\bheld for (?:its|their|the) [\w ]*sake\b|\bfor (?:its|their) (?:probe's )?sake\b",
        "because of",
        catches=("for its sake",),
    ),
    Phrase(
        r"\b(?:always|order|condition|law|contract|property) holds\b|\bholds (?:true|good)\b"
        r"|\b(?:while|where|which|when) it holds\b|\b(?:order|condition) does not hold\b"
        r"|\bholds for (?:any|every|all|each)\b",
        "is valid, is true, is in force",
        catches=("what always holds", "the moment until which it holds", "holds true"),
    ),
    Phrase(
        r"\b(?:stands?|stood)\b",
        "is, is in, is at, is next to, does not change",
        catches=("stands beside it", "what stands in it", "stand still"),
        allows=((r"\bstand(?:s|ing)? for\b|\bstand-?alone\b|\bstandby\b", "the usual meanings"),),
    ),
    Phrase(
        r"\blies\b",
        "is, is in, is at",
        catches=("lies in the future",),
    ),
    Phrase(
        r"\b(?:is|are|was|were) of (?!(?:type|length|size|size|kind|no|any|interest|use)\b)",
        "belongs to",
        catches=("polls are of agents that failed",),
    ),
    Phrase(
        r"\bcalls?\b[^.,;:|]{0,20}?\bleft\b(?! (?:out|alone|as|behind|in|off))",
        "remaining",
        catches=("paused with calls left", "calls will be left", "Calls left"),
    ),
    Phrase(
        r"\bleft (?:over|calls|against plan|to (?:make|call|dial)|at the close)\b"
        r"|\bwhat is left of\b",
        "remaining",
        catches=("left over", "Left against plan", "what is left of it"),
    ),
    Phrase(
        r"\bleft\b",
        "remaining",
        catches=("left", "calls left"),
        allows=((r"\b(?:group|align|on|time) left\b", "PromQL, sides, and of a deadline"),),
        kinds=frozenset({NAME}),
        files=r"^exporter/(?:rules|metrics|model|selection)|^tools/(?:dashboard|alert_truth)/",
    ),
    Phrase(
        r"\bloops?\b",
        "job",
        catches=("loop", "start loops"),
        allows=((r"\b(?:event|pagination) loops?\b", "the field's terms"),),
        kinds=frozenset({NAME}),
        files=r"^exporter/polling/",
    ),
    # Sentences over which readers stumbled.
    Phrase(
        r"\bcosts? (?:follows? )?what is live\b|\bwhat has ever been\b",
        "request cost grows with live batches, not with history",
        catches=("Polling costs what is live", "not what has ever been"),
    ),
    Phrase(
        r"\btoo (?:long|old) for (?:its|their) (?:own )?cadence\b",
        "longer than 3 poll intervals",
        catches=("too long for its own cadence", "too old for their cadence"),
    ),
    Phrase(
        r"\buntil (?:`?check`?|it) is content\b",
        "until `check` passes",
        catches=("until `check` is content",),
    ),
    Phrase(
        r"\blet (?:it|them|him|her) go\b|\blets? go of\b|\bis let go\b",
        "closes the connection, cancels",
        catches=("lets go of it", "is let go"),
        kinds=EVERYWHERE,
    ),
)


def beginnings(path: str, *, attribute: bool) -> frozenset[str]:
    """Return the words with which no docstring in this file begins.

    A function's says what it returns or does ("Return whether …"); that of a class or a property
    describes a thing. A test's docstring states a law, which may begin with more words, but never
    continues the sentence of the test's name.
    """
    conjunctions = frozenset({"And", "Or", "But", "Nor"})
    if attribute or path.startswith("tests/"):
        return conjunctions
    return conjunctions | {"Whether", "What", "Who", "How", "As", "Tell"}
