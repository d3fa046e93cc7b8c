"""Routes beside GraphQL: console, health, webhooks, media, and the root."""
