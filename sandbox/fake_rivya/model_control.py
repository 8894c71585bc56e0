"""Change prices, and let models come and go, while the fake Rivya runs.

The page at `/control` does it in a browser. It is no part of Rivya.
"""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, get_args

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.fake_rivya.model_catalog import ModelSpec

Status = Literal["available", "coming_soon", "studio_only", "removed"]
"""The first three are those of https://rivya.ai/docs/api-models; a removed one is not in the list."""
PATH: Final = "/control"
_HIGHEST_CREDITS: Final = 1000
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_PAGE: Final = """\
<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Models of the fake Rivya</title><style>
body{{font:16px/1.4 system-ui,sans-serif;margin:1.5rem;max-width:56rem}}
table{{border-collapse:collapse}}td,th{{padding:.2rem .6rem;text-align:left}}
tr:nth-child(even){{background:#8882}}input[type=number]{{width:5rem}}
</style></head><body><h1>Models of the fake Rivya</h1>
<p>What you change here holds for the next picture. <em>Credits</em> is the price that Rivya lists;
<em>more</em> is what it reserves beyond, as if a price had changed since the list was read.</p>
<table><tr><th>model</th><th>credits</th><th>more</th><th>status</th><th></th></tr>{rows}</table>
</body></html>"""
_ROW: Final = """<tr><td><label for="credits-{id}">{id}</label></td>
<td><input form="{id}" id="credits-{id}" name="credits" type="number" min="0" max="1000"
 value="{credits}"></td>
<td><input form="{id}" name="surcharge" aria-label="more for {id}" type="number" min="0" max="1000"
 value="{surcharge}"></td>
<td><select form="{id}" name="status" aria-label="status of {id}">{options}</select></td>
<td><form id="{id}" method="post"><input type="hidden" name="model" value="{id}">
<button aria-label="save {id}">Save</button></form></td></tr>"""


class ModelControl:
    """Changes the models of one fake Rivya.

    Attributes:
        on_change: is called after each change.
    """

    def __init__(self, models: dict[str, ModelSpec], surcharges: dict[str, int]) -> None:
        self._models = models
        self._surcharges = surcharges
        self._removed: dict[str, ModelSpec] = {}
        self.on_change: Callable[[], object] = lambda: None

    def status(self, model_id: str) -> Status:
        """Return the status of a model.

        Raises:
            KeyError: there was never such a model.
        """
        if model_id in self._removed:
            return "removed"
        return _status(self._models[model_id].api_status)

    def change(
        self,
        model_id: str,
        *,
        credits: int | None = None,
        surcharge: int | None = None,
        status: Status | None = None,
    ) -> None:
        """Change what is given: the listed price, what is reserved beyond it, and the status.

        Raises:
            KeyError: there was never such a model.
            ValueError: a number is not from 0 to 1000.
        """
        spec = self._spec(model_id)
        for number in (credits, surcharge):
            if number is not None and not 0 <= number <= _HIGHEST_CREDITS:
                raise ValueError(number)
        if credits is not None:
            spec = replace(spec, base_credits=credits)
        if surcharge is not None:
            self._surcharges[model_id] = surcharge
        status = self.status(model_id) if status is None else status
        home, other = (self._removed, self._models) if status == "removed" else (self._models, self._removed)
        home[model_id] = spec if status == "removed" else replace(spec, api_status=status)
        other.pop(model_id, None)
        self.on_change()

    async def show(self, _request: web.Request) -> web.Response:
        """Answer with the page."""
        rows = "".join(map(self._row, sorted(self._models.keys() | self._removed.keys())))
        return web.Response(text=_PAGE.format(rows=rows), content_type="text/html")

    async def submit(self, request: web.Request) -> web.Response:
        """Carry out the change that the page has sent.

        Raises:
            HTTPForbidden: another page has sent it.
            HTTPBadRequest: it makes no sense.
            HTTPSeeOther: done; shows the page again.
        """
        own = request.host.rpartition(":")[0] in _LOCAL_HOSTS
        if not own or request.headers.get("Origin") not in {None, f"http://{request.host}"}:
            raise web.HTTPForbidden(text="Only the page of this server can change its models.")
        form = await request.post()
        try:
            self.change(
                str(form["model"]),
                credits=int(str(form["credits"])),
                surcharge=int(str(form["surcharge"])),
                status=_status(str(form["status"])),
            )
        except (KeyError, ValueError):
            raise web.HTTPBadRequest(text="There is no such model, number or status.") from None
        raise web.HTTPSeeOther(PATH)

    def _spec(self, model_id: str) -> ModelSpec:
        return self._removed[model_id] if model_id in self._removed else self._models[model_id]

    def _row(self, model_id: str) -> str:
        spec = self._spec(model_id)
        now = self.status(model_id)
        options = "".join(
            f"<option{' selected' if status == now else ''}>{status}</option>" for status in get_args(Status)
        )
        return _ROW.format(
            id=html.escape(model_id),
            credits=spec.base_credits,
            surcharge=self._surcharges.get(model_id, 0),
            options=options,
        )


def _status(word: str) -> Status:
    for status in get_args(Status):
        if status == word:
            found: Status = status
            return found
    raise ValueError(word)
