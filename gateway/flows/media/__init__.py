"""Media on their way in: checked, brought within the upstream's limits, and kept on disk until a flow has used them."""
