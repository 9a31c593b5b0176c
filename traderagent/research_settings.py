"""Where candles and one's own strategies lie: all that commands need which look at nothing else.

Such a command runs on these settings alone (``traderagent/research.py``): without a database, Redis or a secret, and
without the second and a half that the others take.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traderagent import environment

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(environment.text("TRADERAGENT_HOME", str(BASE_DIR / ".traderagent")))

# A directory, or a URL of an object store: s3://bucket/candles, gs://bucket/candles.
CANDLE_STORE = environment.text("CANDLE_STORE", str(HOME / "candles"))

# Files with strategies of one's own. Whoever may write here runs code with all rights of the workers.
STRATEGIES_DIR = Path(environment.text("STRATEGIES_DIR", str(HOME / "strategies")))

USE_TZ = True
USE_I18N = False
LOGGING_CONFIG = None
INSTALLED_APPS: list[str] = []
DATABASES: dict[str, Any] = {}
