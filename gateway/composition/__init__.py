"""The process put together from its parts: the read side, publishing and the media proxy."""
