"""The domain: ids, links, hosts and frozen models. Imports nothing of the gateway except `errors`."""
