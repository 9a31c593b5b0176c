#!/usr/bin/env python
"""Django's command line. Finds the running embedded stack when no database is named in the environment."""

import os
import sys


def main() -> None:
    from traderagent.embedded.environment import load_environment
    from traderagent.research import is_research, run_research

    load_environment()
    if is_research(sys.argv):
        run_research(sys.argv)
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traderagent.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
