"""A result for people: a page that stands alone, a picture, and a configuration that a bot can be created from."""
