"""Awkward arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import nested
from ..errors import InvalidResponse
from ..optional import require_package
from ..wire.awkward import AwkwardStructure
from ..wire.buffers import awkward_buffers, buffer_names, unzip_members, zip_members
from ..wire.errors import WireError
from ..wire.structure_family import StructureFamily
from .structured import StructuredNode


class AwkwardClient(StructuredNode[AwkwardStructure], family=StructureFamily.awkward):
    """Records, lists and gaps of any depth on a server; reading gives an `awkward.Array`.

    >>> a = client.write_awkward([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}], key="a")
    >>> a["y"].to_list()
    [[1.5], []]
    """

    _structure_class = AwkwardStructure
    _full_endpoint = "awkward/full"

    @property
    def form(self) -> Mapping[str, Any]:
        """What the items look like, as Awkward Array says it in JSON."""
        return self.structure.form

    def __len__(self) -> int:
        return self.structure.length

    def read(self) -> Any:
        """Fetch the whole array."""
        answer = self._http.get("awkward/full", self._path, accept=nested.ZIP)
        return nested.decode_awkward(self.form, len(self), answer.content)

    def __getitem__(self, index: Any) -> Any:
        """Fetch what `index` selects, and of the buffers only those that it takes."""
        awkward = require_package("awkward", "awkward")
        form = awkward.forms.from_dict(dict(self.form))
        fetched = self._fetch(_touched(form, index))
        members = {name: fetched.get(name) or self._later(name) for name in buffer_names(form)}
        array = awkward.from_buffers(form, len(self), members)
        selected = array[index]
        return awkward.to_packed(selected) if hasattr(selected, "layout") else selected

    def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace all items, by as many of the same form.

        With `persist=False` only subscribers get to see it.
        """
        form, length, members = awkward_buffers(nested.to_awkward(array))
        if (form, length) != (self.form, len(self)):
            raise ValueError("an array of another form or length does not fit: write it anew")
        params = {} if persist else {"persist": False}
        body = zip_members(members)
        self._http.send("PUT", "awkward/full", self._path, body, nested.ZIP, params=params)

    def __repr__(self) -> str:
        fields = self.form.get("fields")
        named = f" fields={fields}" if fields else ""
        return f"<AwkwardClient length={len(self)}{named}>"

    def _fetch(self, form_keys: list[str]) -> dict[str, bytes]:
        if not form_keys:
            return {}
        content = self._http.post(
            "awkward/buffers", self._path, form_keys, accept=nested.ZIP
        ).content
        try:
            return unzip_members(content)
        except WireError as error:
            raise InvalidResponse(f"{self.uri} sent no readable buffers: {error}") from error

    def _later(self, name: str) -> Any:
        """A buffer that is fetched if it is needed after all."""
        return lambda: self._fetch([name.rpartition("-")[0]])[name]


def _touched(form: Any, index: Any) -> list[str]:
    """The form keys of the buffers that an index takes, found out without any data."""
    awkward = require_package("awkward", "awkward")
    tracer, report = awkward.typetracer.typetracer_with_report(form)
    selected = awkward.Array(tracer)[index]
    if hasattr(selected, "layout"):
        awkward.typetracer.touch_data(selected)
    return sorted(set(report.data_touched))
