"""The read upstream: calls out, typed and charged outcomes back. Nobody else knows its JSON, its prices or HTTP."""
