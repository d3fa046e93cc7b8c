"""The webhooks of the platform: a durable inbox for what it sends, and the work that follows from it."""
