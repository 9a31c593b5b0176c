"""What to do. Pure: nothing here knows Django, ccxt, Celery, a clock or chance."""
