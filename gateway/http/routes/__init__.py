"""The HTTP routes besides GraphQL: console, health, webhooks, media, and the root."""
