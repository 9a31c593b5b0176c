"""The form of a new back-test: as fields or as YAML, and from the one to the other with all that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from backtests import services
from backtests.analysis.kinds import KINDS
from backtests.errors import BackTestRefused
from backtests.examples import SOURCE, preset_example
from backtests.forms import BackTestForm
from backtests.jobs.loading import stored_series
from backtests.jobs.requests import back_test_request
from backtests.preset_form import PresetForm, PresetUnfit, initial_of, preset_form
from backtests.views.asking import as_yaml, asked_before, choices_of, shown_as_yaml
from backtests.yaml_form import FIELDS
from strategies import registry
from strategies.contract import Problem
from strategies.yaml_document import read_yaml
from strategies.yaml_writing import escaped, written
from web.pages import signed_in, username
from web.schema_forms import from_address


@signed_in
def back_test_create(request: HttpRequest) -> HttpResponse:
    """``?strategy=`` begins with its example, ``?again=`` with what an earlier back-test was of; a link may fill in any field
    by its name. ``?as=yaml`` and ``?kind=``, of a study, are written as YAML."""
    if "kind" in request.GET:
        return as_yaml(request)
    if request.method == "POST":
        if "preset" in request.POST:
            return _to_fields(request) if "to_fields" in request.POST else as_yaml(request)
        return _to_yaml(request) if "to_yaml" in request.POST else _run(request)
    if "again" in request.GET:
        return _again(request)
    return as_yaml(request) if request.GET.get("as") == "yaml" else _begun(request)


def _run(request: HttpRequest) -> HttpResponse:
    form = _typed(request)
    try:
        if form.is_valid():
            made = services.request_back_test(preset=form.preset(), requested_by=username(request), **form.candles)
            return redirect("back-test-detail", made.pk)
        # The other fields' mistakes are told with those of the fields that hold no value.
        candles = {"source": "", "since": None, "until": None} | form.candles
        back_test_request(form.preset(), **candles)
    except BackTestRefused as refusal:
        form.add_problems(refusal.problems)
    return _shown(request, form)


def _to_yaml(request: HttpRequest) -> HttpResponse:
    form = _typed(request)
    form.is_valid()
    text = {"preset": form.to_yaml(), **{name: form[name].value() for name in FIELDS}}
    return shown_as_yaml(request, BackTestForm(initial=text), *choices_of(request))


def _to_fields(request: HttpRequest) -> HttpResponse:
    """What no field can hold stays where it is, and is told."""
    text = BackTestForm(request.POST)
    text.is_valid()
    if "preset" not in text.errors:
        try:
            form = _filled(text.cleaned_data["preset"])
        except PresetUnfit as unfit:
            text.add_problems(unfit.problems)
        else:
            form.initial.update({name: text[name].value() for name in FIELDS})
            return _shown(request, form)
    return shown_as_yaml(request, text, *choices_of(request))


def _begun(request: HttpRequest) -> HttpResponse:
    _, strategy = choices_of(request)
    form = preset_form(strategy)
    linked = from_address(form.base_fields, request.GET.dict())
    if linked:
        return _shown(request, form(initial=linked))
    begun = _filled(read_yaml(preset_example(strategy), environ={}).data)
    begun.initial["source"] = SOURCE
    return _shown(request, begun)


def _again(request: HttpRequest) -> HttpResponse:
    job = asked_before(request)
    if job.is_portfolio:
        raise Http404(f"{job} is one of a portfolio.")
    candles = {name: getattr(job, name) for name in FIELDS}
    try:
        form = _filled(job.preset)
    except PresetUnfit:  # a strategy of one's own was changed or is gone: its preset is there to be mended
        text = {"preset": written(escaped(job.preset)), **candles}
        return shown_as_yaml(request, BackTestForm(initial=text), *choices_of(request))
    form.initial.update(candles)
    return _shown(request, form)


def _filled(preset: Mapping[str, Any]) -> PresetForm:
    """Raises :class:`PresetUnfit`."""
    strategy = preset.get("strategy")
    if strategy not in registry.names():
        known = ", ".join(registry.names())
        said = f"There is no strategy {strategy}" if strategy else "strategy is missing"
        raise PresetUnfit([Problem("strategy", f"{said}: write one of {known}.", str(strategy))])
    form = preset_form(strategy)
    return form(initial=initial_of(form, preset))


def _typed(request: HttpRequest) -> PresetForm:
    return preset_form(choices_of(request)[1])(request.POST)


def _shown(request: HttpRequest, form: PresetForm) -> HttpResponse:
    """After a refused attempt with status 422."""
    context = {
        "form": form,
        "strategy": registry.get_strategy(form.strategy),
        "strategies": registry.strategies(),
        "chosen": form.strategy,
        "kinds": KINDS.values(),
        "series": stored_series() or (),
    }
    return render(request, "backtests/new_fields.html", context, status=422 if form.is_bound else 200)
