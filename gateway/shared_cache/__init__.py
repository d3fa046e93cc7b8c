"""The cache that instances share: answers, who buys which call, and what was invalidated."""
