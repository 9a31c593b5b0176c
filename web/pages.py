"""One template per page, whole or one of its blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template import RequestContext, Template
from django.template.loader import get_template
from django.template.loader_tags import BlockNode, ExtendsNode
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User

View = Callable[..., HttpResponse]
Context = dict[str, Any]


def signed_in(view: View) -> View:
    """``login_required`` for pages that fetch parts of themselves: the sign-in page must not land inside of them."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_htmx(request) and not request.user.is_authenticated:
            address = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(f"{resolve_url('login')}?{urlencode({'next': address})}")
        return login_required(view)(request, *args, **kwargs)

    return guarded


def is_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def username(request: HttpRequest) -> str:
    return cast(User, request.user).get_username()


def page(request: HttpRequest, template: str, parts: Mapping[str, Callable[[], Context]]) -> HttpResponse:
    """The whole page with the contexts of all ``parts``; for HTMX only the block that ``?part=`` names.

    Raises ``Http404`` for a part that the page does not have.
    """
    if is_htmx(request):
        name = request.GET.get("part", "")
        if name not in parts:
            raise Http404(f"This page has no part {name!r}.")
        return HttpResponse(render_block(request, template, name, parts[name]()))
    context: Context = {}
    for make in parts.values():
        context |= make()
    return render(request, template, context)


def render_block(request: HttpRequest, template: str, block: str, context: Context) -> str:
    """The one ``{% block %}`` of a template that extends another."""
    compiled: Template = get_template(template).template  # type: ignore[attr-defined]
    extends = compiled.nodelist.get_nodes_by_type(ExtendsNode)[0]
    node: BlockNode = extends.blocks[block]  # type: ignore[attr-defined]
    full = RequestContext(request, context)
    with full.bind_template(compiled), full.render_context.push_state(compiled):
        return node.render(full)
