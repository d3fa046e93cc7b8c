"""Requests to addresses that others name: policy against SSRF, redirects, URL probe, CDN client."""
