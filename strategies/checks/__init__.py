"""Checks that a strategy keeps the contract: nothing from the future, an honest warm-up, a whole state, no chance.

They return what is wrong as :class:`Violation` and raise nothing for it.
"""

from strategies.checks.causality import check_features
from strategies.checks.steps import Recording, Step, check_steps
from strategies.checks.violations import Violation
from strategies.checks.warmup import check_warm_up

__all__ = ["Recording", "Step", "Violation", "check_features", "check_steps", "check_warm_up"]
