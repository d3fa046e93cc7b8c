"""The sandbox's write API: two dialects over one state, in one app with the read API.

`build` puts it together: the routes of each dialect, each with a handler (`write_endpoint`: caller, work, and the
faults before and after it). `platform` and `aiograpi` are the dialects; a part of the contract that both have is a
module of its own. `write_state` holds all created objects, `problems` is the error table, and `control` shows published
objects, webhooks, quota and clock over HTTP.

`oauth` are the servers at which a person connects an account, with `consent_pages`, `authorization_codes`,
`permissions` and `oauth_control`; `accounts` has the tokens.
"""
