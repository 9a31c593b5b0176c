"""The user of the platform."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Our own from the first migration, so that roles and second factors can join it later."""
