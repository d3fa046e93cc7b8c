"""The `doctor` command: what is wrong with an installation, and what to do about it.

It changes nothing, disturbs no running gateway, sends no request that is billed, and prints no secret.
"""
