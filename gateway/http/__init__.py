"""The door.

graphql      /graphql: methods, the explorer, and who takes the request from here
requests     the HTTP request as what it asks         negotiation  which form the answer takes
terms        whose it is, and what it may spend       running      the operation, run
answers      results as responses                     statuses     the one place that chooses a status
connection   work for a client that may hang up       health       /healthz, /readyz
"""
