"""A result as one page that needs nothing else: styles, charts and script stand in it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from django.template import Context, Engine
from django.utils.safestring import SafeString, mark_safe

from backtests.reports import charts, figures

if TYPE_CHECKING:
    from backtests.outcome import Outcome


_PROJECT: Final = Path(__file__).resolve().parent.parent.parent


def render(outcome: Outcome) -> str:
    """The whole page. Its size is bounded however long the run: charts are drawn in a bounded number of points."""
    return page("report", context(outcome))


def page(name: str, told: dict[str, Any]) -> str:
    """A template of ``templates/backtests`` with styles and script in it."""
    template = _engine().get_template(f"backtests/{name}.html")
    whole = told | {"styles": _styles(), "script": _script()}
    # Numbers are written here (`wording`); Django would look for a language among its applications.
    return template.render(Context(whole, use_l10n=False, use_tz=False))


def context(outcome: Outcome) -> dict[str, Any]:
    """What the report and the page of a result show."""
    preset, summary = outcome.preset, outcome.summary
    return {
        "preset": preset,
        "headline": figures.headline(summary, preset.quote),
        "charts": [
            charts.equity_chart(outcome),
            charts.drawdown_chart(outcome.timestamps, outcome.equity, float(preset.initial_balance)),
            charts.price_chart(outcome),
        ],
        "histogram": charts.profit_histogram(outcome),
        "groups": figures.groups(summary, preset.quote),
        "months": figures.months(summary),
        "month_names": figures.MONTHS,
        "parameters": figures.parameters(outcome),
        "terms": figures.terms(outcome),
        "data": figures.data_facts(outcome),
        "assumptions": outcome.assumptions,
        "hash": outcome.hash,
    }


def write_html(outcome: Outcome, path: Path) -> None:
    write_whole(path, render(outcome).encode())


def write_whole(path: Path, contents: bytes) -> None:
    """The file is there with all of its contents, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@cache
def _engine() -> Engine:
    # Its own: commands that need no database run without Django's applications, and without its template settings.
    return Engine(dirs=[str(_PROJECT / "templates")])


@cache
def _styles() -> SafeString:
    return _static("css/app.css", "css/backtests.css")


@cache
def _script() -> SafeString:
    return _static("js/read-outs.js")


def _static(*names: str) -> SafeString:
    texts = ((_PROJECT / "static" / name).read_text(encoding="utf-8") for name in names)
    return mark_safe("\n".join(texts))  # noqa: S308 (the project's own files)
