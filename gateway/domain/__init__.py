"""The nouns: ids, links and frozen models. Imports nothing of the gateway but `errors`."""
