"""The write side of the sandbox: two dialects over one studio, both of them beside the read API in one app.

build      puts the rooms together        control    published, webhooks, quota and clock over HTTP
accounts   who may publish                bodies, pages
platform   the Platform API               aiograpi   the dialect without keys and 202
desk       one per call: caller, work, faults before and after it
studio     everything made, of which:     containers, stories (and their quota), highlights
media      what uploaded bytes are        film       an MP4's boxes
keys       idempotency                    usage      the usage headers and the hourly limit
problems   the error table                news, webhooks
"""
