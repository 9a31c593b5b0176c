"""Looking for parameters: which values are tried, what is asked of them, and every result kept (docs/backtesting/optimisation.md).

``definition`` reads a search file, ``proposing`` says what is tried next, ``evaluation`` runs one trial, ``workers`` many
at a time, ``store`` keeps what came of them, ``running`` drives all of it.
"""
