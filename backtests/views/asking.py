"""The form of a new back-test or study, and the list of all."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from backtests import selectors, services
from backtests.analysis.kinds import KINDS, Kind, Searching
from backtests.errors import BackTestRefused
from backtests.examples import COINS, SOURCE, preset_example, search_example
from backtests.forms import BackTestForm
from backtests.models import BackTest, Study
from strategies import registry
from web.pages import Context, page, signed_in, username


@signed_in
def jobs(request: HttpRequest) -> HttpResponse:
    return page(request, "backtests/jobs.html", {"jobs": _jobs})


def _jobs() -> Context:
    now = timezone.now()
    rows = selectors.job_rows(now=now)
    return {"rows": rows, "now": now, "moving": any(row.job.is_active for row in rows)}


def as_yaml(request: HttpRequest) -> HttpResponse:
    """A study, or a back-test, that is written down."""
    kind = _kind(request.GET.get("kind"))
    names, chosen = choices_of(request, kind)
    form = BackTestForm(request.POST or None, kind=kind, initial=_beginning(kind, chosen))
    if request.method == "POST" and form.is_valid():
        try:
            made = _requested(form, username(request))
        except BackTestRefused as refusal:
            form.add_problems(refusal.problems)
        else:
            return redirect("study-detail" if isinstance(made, Study) else "back-test-detail", made.pk)
    return shown_as_yaml(request, form, names, chosen)


def shown_as_yaml(request: HttpRequest, form: BackTestForm, names: list[str], chosen: str) -> HttpResponse:
    """After a refused attempt with status 422."""
    context = {"form": form, "strategies": names, "chosen": chosen, "kind": form.kind, "kinds": KINDS.values()}
    return render(request, "backtests/new.html", context, status=422 if form.is_bound else 200)


def choices_of(request: HttpRequest, kind: Kind | None = None) -> tuple[list[str], str]:
    """The strategies there are, and the chosen one's name."""
    names = ["grid"] if kind is not None and kind.preset_optional else registry.names()
    chosen = request.GET.get("strategy", "grid")
    if chosen not in names:
        raise Http404(f"There is no strategy {chosen} for this.")
    return names, chosen


def asked_before(request: HttpRequest) -> BackTest:
    """The one that ``?again=`` names. Raises ``Http404``."""
    key = request.GET["again"]
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404(f"again={key!r} is no back-test's number.")
    return get_object_or_404(BackTest, pk=int(key))


def _kind(name: str | None) -> Kind | None:
    """``None`` is a back-test."""
    if name is None:
        return None
    if name not in KINDS:
        raise Http404(f"There is no study of kind {name}.")
    return KINDS[name]


def _beginning(kind: Kind | None, strategy: str) -> dict[str, Any]:
    searches = kind is not None and kind.searching is Searching.ALWAYS
    return {
        "preset": search_example(strategy) if searches else preset_example(strategy),
        "source": COINS if kind is not None and kind.many else SOURCE,
    }


def _requested(form: BackTestForm, requested_by: str) -> BackTest | Study:
    asked = {**form.candles, "requested_by": requested_by}
    data, kind = form.cleaned_data["preset"], form.kind
    is_search = "parameters" in data
    if kind is None and not is_search:
        return services.request_back_test(preset=data, **asked)
    # A search without a kind is one for the best parameters.
    kind = kind or KINDS["optimise"]
    preset = data.get("preset", {}) if is_search else data
    search = {name: value for name, value in data.items() if name not in ("preset", "candles")} if is_search else {}
    return services.request_study(kind=kind.name, preset=preset, search=search, options=form.options, **asked)
