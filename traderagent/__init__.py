"""The Django project: settings, URLs, ASGI, Celery and the embedded services."""
