"""Back-tests and studies for people: asked for, watched, read."""
