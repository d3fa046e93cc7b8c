"""The HTTP client of all upstreams: rate limit, concurrency, retry, circuit breaker, lenient decoding."""
