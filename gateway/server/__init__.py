"""The HTTP server: uvicorn with bounded protocols, limits per peer, and its worker processes."""
