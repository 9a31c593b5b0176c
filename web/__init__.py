"""What the pages and the API of every room are made with."""
