"""The door.

graphql      /graphql: methods, the explorer, and who takes the request from here
requests     the HTTP request as what it asks         negotiation  which form the answer takes
terms        whose it is, and what it may spend       running      the operation, run
answers      results as responses                     statuses     the one place that chooses a status
connection   work for a client that may hang up       health       /healthz, /readyz
payloads     operations as streams of payloads        framing      how a stream is written over HTTP
incremental  the forms of an answer in parts          preferences  lists with weights in headers
streams      a stream as a response                   places       how many of them a client may hold
websocket    graphql-transport-ws, one connection     messages     its messages
batches      several operations in one request        origins      pages of other sites
compression  br, gzip, zstd                           again        requests that were answered before
console      the console's page and files             hosts        by which names the gateway may be asked for
front        / and /version                           bodies       how much of bodies is being read
"""
