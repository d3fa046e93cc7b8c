"""Highlights Gateway: one GraphQL graph over the Instagram story-highlight REST APIs.

The rooms, in the order in which a read passes them:

    __main__, cli   arguments and environment -> command -> exit code
    commands        the commands: serve, sandbox, keys, ledger, backup, price, schema
    app             composition root: makes every part once and hands it to those below
    writes          the writing half of it: publisher, durable flows, spool
    showing         the showing half of it: the media proxy, and the links to it
    http            ASGI: who asks, what may be asked, which representation answers
    operations      document text -> parsed, validated, limited, once per document
    execution       the selected fields as a compiled projection
    clients         who may ask, and what they may spend
    loaders         one question, one file: collect, dedupe, ask for all at once
    flows           durable sequences of upstream steps behind one mutation
    media           the platform's pictures by tokens of ours, where its own servers refuse to show them
    planner         the cheapest calls that answer, their price, and who may spend it
    cache           fresh, in flight, or stale; never past the death of a URL
    upstream        rate, concurrency, retry, breaker; bytes -> domain
    domain          ids, links and frozen models
    sandbox         the embedded upstream
    console         GraphiQL with the bill and a preview, built into static files

Beside them and open to all: `errors` (the tree of refusals and failures), `clock` (time as a port), `events` (what
happened, as values), `files` (those of the data directory), `scheduling` (the event loop's time). `settings`
is for `cli`, `commands` and `app` alone, `logs` (events as log lines) for the last two. The graph itself is the package
`schema`. Imports go down this list; `tests/meta/test_imports.py` holds the map.
"""
