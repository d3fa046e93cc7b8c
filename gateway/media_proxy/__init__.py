"""The media proxy: images and videos of the platform under signed URLs, for pages of other sites."""
