"""The commands of `highlights-gateway`: each takes its arguments and the environment, and returns an exit code."""
