"""Transports with more than one message: WebSocket, server-sent events, multipart responses, batches."""
