"""Highlights Gateway: one GraphQL graph over the Instagram story-highlight REST APIs.

The packages, in the order in which a read passes them:

    __main__, cli   arguments and environment -> command -> exit code
    commands        the commands: serve, keys, settings, doctor, flows, ledger, backup, restore, price and others
    server          uvicorn, its bounded protocols, its worker processes
    composition     the process put together: read side, publishing, media proxy
    http            GraphQL over HTTP: who asks, limits, negotiation, statuses; transports and routes
    operations      document text -> parsed, validated, limited, once per document
    execution       the selected fields as a compiled projection
    clients         callers: keys, rights, allowances
    control         what an operator asks of all workers
    loaders         the loader of facts that resolvers call
    erasure         requests about persons' data, and the work on them in every process
    publishing      commands and workflows that create, edit and delete highlights
    durable         durable execution of steps, whatever crashes
    accounts        connected accounts: consent by OAuth, encrypted tokens
    audit           the trail of what was done to keys, accounts and data, chained by MACs
    shared_keys     the keys that gateways on one database have in common
    webhooks        what the platform sends by itself: a durable inbox, and the work that follows
    uploads         files on their way to the platform
    media_proxy     images and videos of the platform under signed URLs
    planner         selection -> requirements -> cheapest calls -> price, and fetching them
    billing         prices, budgets, allowances, ledger, bill
    shared_cache    answers, turns and invalidations that instances share
    cache           entities, whole responses; never past the expiry of a URL
    upstream        HTTP client, HikerAPI, publishing platforms, egress
    reads           the read registry: kinds of facts, rows of endpoints, the port of a read API
    domain          ids, links and frozen models
    sandbox         the embedded upstream
    console         GraphiQL with price, bill and preview, built into static files

Open to all of them: `errors` (the tree of errors), `clock` (time as a port), `correlation` (the ids of a request),
`events`, `call_events`, `operation_events` and `process_events` (what happened, as values), `files` (files of the data
directory), `migrations` (versions of stores), `queue_place` (who waits for a queued call), `scheduling` (the event
loop's time, in slices), `single_flight` (one call for all that need its result), `spans` (traces as a port, which
`tracing` implements over OpenTelemetry), `store_threads` (for the calls of one store), `tracebacks` (what they keep in
memory), `version`. `settings` is for `cli`, `commands` and `composition` alone, `logs` (events as log lines) and
`metrics` (events and samples, for Prometheus) for the last two. The graph itself is the package `schema`.
Imports go down this list; `tests/meta/test_imports.py` holds the map.
"""
