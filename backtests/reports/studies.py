"""The result of a study as a row of sections: each a template and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from backtests.reports import wording
from backtests.reports.drawing import Chart, histogram
from backtests.reports.figures import Figure, tone_of
from backtests.reports.maps import map_of
from backtests.reports.measures import name_of, path_of, texts_of, writer_of
from backtests.reports.study_charts import followed_chart, front_chart, windows_chart

Contents = Mapping[str, Any]
SHOWN_TRIALS: Final = 20
MOST_CORRELATED: Final = 40


@dataclass(frozen=True, slots=True)
class Section:
    """``template`` is the name of a file in ``templates/backtests/studies``."""

    template: str
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def template_name(self) -> str:
        return f"backtests/studies/{self.template}.html"


# What each examination asks, in the words of somebody who never heard its name.
TOPICS: Final[Mapping[str, tuple[str, str]]] = {
    "trades": ("Enough trades", "Did it trade often enough for its average to mean anything?"),
    "walk_forward": ("Walk-forward", "Did what was best on the past go on to earn on the time after it?"),
    "consistency": ("Consistency", "In how many of these tests did it earn something?"),
    "deflated_sharpe": ("Luck of choosing", "Is it better than the luckiest of so many worthless trials would be?"),
    "overfitting": ("Over-fitting", "Would the same choice have been a good one on other data?"),
    "monte_carlo_final": ("Other endings", "Where could the same trades have ended with another luck?"),
    "monte_carlo_drawdown": ("Other drawdowns", "How deep could it have fallen on the way?"),
    "risk_of_ruin": ("Ruin", "How often would half of the money have been lost?"),
    "perturbation": ("Other candles", "Does it still earn when every price is a little different?"),
    "sensitivity": ("Parameters", "Do parameters next to the chosen ones do as well?"),
}


def sections_of(kind: str, contents: Contents) -> list[Section]:
    found = (make(contents) for make in SECTIONS[kind])
    return [section for section in found if section is not None]


def _verdict(contents: Contents) -> Section | None:
    verdict = contents.get("verdict")
    if verdict is None:
        return None
    findings = [
        {**each, "title": TOPICS[each["topic"]][0], "question": TOPICS[each["topic"]][1]}
        for each in verdict["findings"]
    ]
    missing = [TOPICS[topic][0] for topic in verdict["missing"]]
    return Section("verdict", {"verdict": verdict, "findings": findings, "missing": missing})


def _nothing_kept(contents: Contents) -> Section | None:
    said = "No trial kept every limit; the table shows what came closest."
    return None if contents["chosen"]["best"] else Section("remark", {"sentence": said})


def _front(contents: Contents) -> Section | None:
    return _chart(front_chart(contents.get("objectives", ()), contents["chosen"]["front"]))


def _chart(chart: Chart | None, size: str = "") -> Section | None:
    return None if chart is None else Section("chart", {"chart": chart, "size": size})


def _trials(contents: Contents) -> Section | None:
    ranking = contents["ranking"]
    if not ranking:
        return None
    paths, names = list(ranking[0]["parameters"]), list(ranking[0]["measures"])
    rows = [
        {
            "number": trial["number"],
            "keeps_limits": trial["keeps_limits"],
            "parameters": [trial["parameters"][path] for path in paths],
            "measures": texts_of(trial["measures"], names),
        }
        for trial in ranking[:SHOWN_TRIALS]
    ]
    told = {
        "parameters": [path_of(path) for path in paths],
        "measures": [name_of(name) for name in names],
        "rows": rows,
    }
    return Section("trials", told)


def _map(contents: Contents) -> Section | None:
    surface = contents.get("sensitivity")
    return None if not surface else _map_of(surface, "Around the best")


def _own_map(contents: Contents) -> Section:
    return _map_of(contents, "Every combination")


def _map_of(surface: Contents, title: str) -> Section:
    robust = ", ".join(f"{path_of(path)} {value}" for path, value in surface["most_robust"]["parameters"].items())
    share = surface["plateau"]["share"]
    told = {"map": map_of(dict(surface)), "title": title, "metric": name_of(surface["metric"]), "robust": robust}
    return Section("map", told | {"plateau": None if share is None else wording.percent(share)})


def _chosen_facts(contents: Contents) -> Section:
    search = contents["search"]
    rows = [
        *((path_of(path), str(value)) for path, value in contents["best"].items()),
        ("Trials", f"{search['trials']:,}"),
        ("Refused", f"{search['failed']:,}"),
        ("Deflated Sharpe", wording.percent(search["deflated_sharpe"])),
        ("Probability of over-fitting", wording.percent(search["probability_of_overfitting"])),
    ]
    return Section("facts", {"title": "The best trial", "rows": rows})


def _walk_figures(contents: Contents) -> Section:
    drift = contents["parameter_drift"].items()
    restless = max(drift, key=lambda each: each[1] or 0.0, default=("", None))
    return _figures(
        Figure(
            "All tests together",
            wording.signed_percent(contents["out_of_sample_return"]),
            "with all the money, one after the other",
            tone_of(contents["out_of_sample_return"] or 0.0),
        ),
        Figure("Efficiency", wording.ratio(contents["efficiency"]), "of the rate in training, kept in the tests"),
        Figure("Tests that earned", wording.percent(contents["consistency"]), f"of {len(contents['windows'])}"),
        Figure("Most restless parameter", wording.percent(restless[1]), path_of(restless[0]) or "none changed"),
    )


def _figures(*figures: Figure) -> Section:
    return Section("figures", {"figures": figures})


def _windows(contents: Contents) -> Section:
    windows = contents["windows"]
    rows = [
        {
            "place": place + 1,
            "train": _span(window["train"]),
            "test": _span(window["test"]),
            "returns": [
                (wording.signed_percent(value), tone_of(value or 0.0))
                for value in (_roi(window["in_sample"]), _roi(window["out_of_sample"]))
            ],
            "others": texts_of(window["out_of_sample"], ("max_drawdown", "trades")),
            "parameters": ", ".join(f"{path_of(path)} {value}" for path, value in window["parameters"].items()),
            "error": window["error"],
        }
        for place, window in enumerate(windows)
    ]
    charts = [windows_chart(windows), followed_chart(windows, contents["out_of_sample_returns"])]
    return Section("windows", {"rows": rows, "charts": [chart for chart in charts if chart is not None]})


def _walked(contents: Contents) -> Section:
    return _windows(contents["walk_forward"])


def _walked_figures(contents: Contents) -> Section:
    return _walk_figures(contents["walk_forward"])


def _histories(contents: Contents) -> Section | None:
    found = contents.get("monte_carlo")
    return None if not found else _own_histories(found)


def _own_histories(contents: Contents) -> Section:
    """Nine of ten histories of each kind as a bar on one scale."""
    named = (
        ("trade_shuffle", "The trades in another order"),
        ("trade_bootstrap", "Trades drawn anew"),
        ("return_bootstrap", "Days drawn anew, in blocks"),
        ("candle_noise", "Run again on candles with noise"),
        ("candle_blocks", "Run again on a reshuffled market"),
    )
    there = [(name, contents[key]) for key, name in named if contents.get(key)]
    ends = [contents["initial"], contents["final"]]
    ends += [each["final"][share] for _, each in there for share in ("5", "95")]
    low, high = min(ends), max(ends)
    room = (high - low) or 1.0

    def at(value: float) -> str:
        return f"{100.0 * (value - low) / room:.2f}%"

    rows = [
        {
            "name": name,
            "runs": f"{each['runs']:,}",
            "left": at(each["final"]["5"]),
            "right": f"{100.0 - 100.0 * (each['final']['95'] - low) / room:.2f}%",
            "middle": at(each["final"]["50"]),
            "final": [wording.money(each["final"][share]) for share in ("5", "50", "95")],
            "drawdown": [wording.percent(each["max_drawdown"][share]) for share in ("50", "95")],
            "loss": wording.percent(
                each["probability_of_loss"] if "profitable" not in each else 1.0 - each["profitable"]
            ),
        }
        for name, each in there
    ]
    told = {"initial": wording.money(contents["initial"]), "final": wording.money(contents["final"])}
    return Section("histories", {**told, "rows": rows, "start": at(contents["initial"]), "trades": contents["trades"]})


def _rank_figures(contents: Contents) -> Section:
    by, run = contents["by"], [each for each in contents["ranking"] if each["rank"] is not None]
    median = contents["distribution"].get(by, {}).get("50")
    return _figures(
        Figure("First", run[0]["name"], f"{name_of(by)} {writer_of(by)(run[0]['measures'][by])}"),
        Figure("Coins that earned", wording.percent(contents["profitable"]), f"of {len(run)}"),
        Figure(f"Median {name_of(by)}", writer_of(by)(median), "half of the coins did better"),
        Figure("Mean correlation", wording.ratio(contents["mean_correlation"]), "of their daily returns; 1 is in step"),
    )


def _ranking(contents: Contents) -> Section:
    run = [each for each in contents["ranking"] if each["rank"] is not None]
    names = list(run[0]["measures"])
    rows = [
        {
            "rank": each["rank"],
            "name": each["name"],
            "symbol": each["symbol"],
            "period": _span(each["period"]),
            "measures": texts_of(each["measures"], names),
            "tone": tone_of(each["measures"]["roi"] or 0.0),
            "held": wording.signed_percent(each["buy_and_hold"]),
        }
        for each in run
    ]
    failed = [each for each in contents["ranking"] if each["rank"] is None]
    return Section("ranking", {"names": [name_of(name) for name in names], "rows": rows, "failed": failed})


def _distribution(contents: Contents) -> Section:
    columns = ("mean", "5", "25", "50", "75", "95")
    rows = [
        (name_of(name), [writer_of(name)(values[column]) for column in columns])
        for name, values in contents["distribution"].items()
    ]
    by = contents["by"]
    known = [
        each["measures"][by] for each in contents["ranking"] if each["measures"] and each["measures"][by] is not None
    ]
    write = writer_of(by)
    chart = histogram(np.array(known), f"{name_of(by)} of the coins", write, write, bins=15)
    return Section("distribution", {"rows": rows, "chart": chart})


def correlation(contents: Contents) -> Section | None:
    names, matrix = contents["correlation"]["names"], contents["correlation"]["matrix"]
    if len(names) < 2:
        return None
    rows = [
        (name, [_coloured(value) for value in line[:MOST_CORRELATED]])
        for name, line in zip(names[:MOST_CORRELATED], matrix, strict=False)
    ]
    left = max(0, len(names) - MOST_CORRELATED)
    return Section("correlation", {"names": names[:MOST_CORRELATED], "rows": rows, "left": left})


def _coloured(value: float | None) -> dict[str, Any]:
    if value is None:
        return {"text": wording.NOTHING}
    return {"text": wording.ratio(value), "tone": tone_of(value), "strength": round(abs(value) * 60)}


def _coins(contents: Contents) -> Section:
    return Section("coins", {"coins": [_coin(each) for each in contents["coins"]], "failed": contents["failed"]})


def _coin(coin: Contents) -> dict[str, Any]:
    best, trials = coin["best"], coin["trials"]
    facts = [
        ("Moves in four hours", wording.percent(coin["atr"])),
        ("Traded a day", wording.money(coin["daily_turnover"])),
        ("Largest gap", wording.percent(coin["largest_gap"])),
        ("Searched", f"{trials['coarse']} coarse and {trials['fine']} fine grids"),
    ]
    found: dict[str, Any] = {
        "name": coin["name"],
        "class": coin["class"].replace("_", " ").lower(),
        "because": coin["because"],
        "facts": facts,
        "has_preset": coin["preset"] is not None,
    }
    if best is None:
        return found
    names = list(best["measures"])
    rows = [("The whole time", "", "", texts_of(best["measures"], names), "")]
    rows += [
        (
            _span(each["period"]),
            wording.percent(each["range"]),
            wording.signed_percent(each["change"]),
            texts_of(each["measures"], names),
            each["error"] or "",
        )
        for each in coin["stress"]
    ]
    parameters = [(path_of(path), str(value)) for path, value in best["parameters"].items()]
    return found | {"parameters": parameters, "names": [name_of(name) for name in names], "rows": rows}


def _span(period: Sequence[int]) -> str:
    return f"{wording.day(period[0])} – {wording.day(period[1])}"


def _roi(measures: Contents | None) -> float | None:
    return None if measures is None else measures["roi"]


SECTIONS: Final[Mapping[str, tuple[Callable[[Contents], Section | None], ...]]] = {
    "optimise": (_verdict, _nothing_kept, _front, _trials, _map, _histories),
    "walk-forward": (_walk_figures, _verdict, _windows),
    "monte-carlo": (_verdict, _own_histories),
    "sensitivity": (_verdict, _own_map),
    "robustness": (_verdict, _chosen_facts, _walked_figures, _walked, _map, _histories),
    "rank": (_rank_figures, _ranking, _distribution, correlation),
    "grid-system": (_coins,),
}
