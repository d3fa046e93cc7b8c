"""The composition root: one process assembled from the read side, publishing and the media proxy."""
