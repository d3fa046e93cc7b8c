"""The commands of `highlights-gateway`. Each takes its arguments and the environment, and returns an exit code."""
