"""Highlights Gateway: one GraphQL graph over the Instagram story-highlight REST APIs.

The packages, in the order in which a read passes them:

    __main__, cli   arguments and environment -> command -> exit code
    commands        the commands: serve, sandbox, keys, flows, ledger, backup, price, documents, schema
    server          uvicorn, its bounded protocols, its worker processes
    composition     the process put together: read side, publishing, media proxy
    http            GraphQL over HTTP: who asks, limits, negotiation, statuses; transports and routes
    operations      document text -> parsed, validated, limited, once per document
    execution       the selected fields as a compiled projection
    clients         callers: keys, rights, allowances
    loaders         the loader of facts that resolvers call
    publishing      commands and workflows that create, edit and delete highlights
    durable         durable execution of steps, whatever crashes
    uploads         files on their way to the platform
    media_proxy     images and videos of the platform under signed URLs
    planner         selection -> requirements -> cheapest calls -> price, and fetching them
    billing         prices, budgets, allowances, ledger, bill
    cache           entities, whole responses; never past the expiry of a URL
    upstream        HTTP client, HikerAPI, publishing platforms, egress
    reads           the read registry: kinds of facts, rows of endpoints, the port of a read API
    domain          ids, links and frozen models
    sandbox         the embedded upstream
    console         GraphiQL with price, bill and preview, built into static files

Open to all of them: `errors` (the tree of errors), `clock` (time as a port), `events` (what happened, as values),
`files` (files of the data directory), `scheduling` (the event loop's time, in slices), `single_flight` (one call for
all that need its result), `tracebacks` (what they keep in memory), `version`. `settings` is for `cli`, `commands` and
`composition` alone, `logs` (events as log lines) for the last two. The graph itself is the package `schema`. Imports go
down this list; `tests/meta/test_imports.py` holds the map.
"""
