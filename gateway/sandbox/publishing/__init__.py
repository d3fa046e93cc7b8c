"""The sandbox's write API: two dialects over one state, in one app with the read API.

build           the routes                     control         published objects, webhooks, quota and clock over HTTP
accounts        accounts and their tokens      bodies, pages   request bodies, and lists by cursor
platform        the Platform API               aiograpi        the dialect without idempotency keys and 202
write_endpoint  handler of a call: caller, work, and the faults before and after it
write_state     all created objects, in: containers, stories (and their quota), highlights
media           checks of uploaded bytes       mp4_metadata    an MP4's boxes
keys            idempotency                    usage           the usage headers and the hourly limit
problems        the error table                webhooks        delivery of `webhook_events`
"""
