"""The read registry: facts about entities, the endpoints that answer them, and the port of a read API."""
