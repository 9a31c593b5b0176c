"""The REST interface under ``/api/v1/``: reads from lean rows, commands through the services."""
