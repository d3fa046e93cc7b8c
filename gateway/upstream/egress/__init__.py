"""Requests to externally supplied URLs: SSRF policy, redirects, URL probe, CDN client."""
