"""Requests of persons about their data: to be forgotten, or that the gateway ends what it does for their account."""
