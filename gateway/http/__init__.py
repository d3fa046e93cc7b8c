"""The HTTP layer: GraphQL over HTTP and WebSocket, and the routes beside it.

endpoint           /graphql as an ASGI application    execution          runs an operation, builds its response
request_parsing    HTTP request to GraphQL request    request_options    API key and billing headers
negotiation        content negotiation (Accept)       preferences        weighted lists in headers
responses          results as HTTP responses          status_codes       the only place that chooses a status
exact_match_cache  cached responses by exact request  compression        br, gzip, zstd
uploads            GraphQL multipart requests         multipart          a streaming multipart parser
cors               CORS and origin checks             hosts              check of the Host header
bodies             memory bound of request bodies     unsent             memory bound of unsent responses
connection_limits  streams and sockets per client     revocation         ends streams of revoked clients
disconnect         cancellation, bodies in pieces
transports         WebSocket, SSE, multipart, batches
routes             console, health, media, webhooks, root
"""
