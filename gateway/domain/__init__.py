"""The nouns: ids, links, hosts and frozen models. Imports nothing of the gateway but `errors`."""
