"""Client object of awkward arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import nested
from ..errors import InvalidResponse
from ..optional import require_package
from ..wire.awkward import AwkwardStructure
from ..wire.buffers import awkward_buffers, buffer_names, form_key, unzip_members, zip_members
from ..wire.errors import WireError
from ..wire.structure_family import StructureFamily
from .structured import StructuredNode


class AwkwardClient(StructuredNode[AwkwardStructure], family=StructureFamily.awkward):
    """Nested records, lists and optional values on a server; reading gives an `awkward.Array`.

    Examples
    --------
    >>> a = client.write_awkward([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}], key="a")
    >>> a["y"].to_list()
    [[1.5], []]
    """

    _structure_class = AwkwardStructure
    _full_endpoint = "awkward/full"

    @property
    def form(self) -> Mapping[str, Any]:
        """The form of the items, in Awkward Array's JSON format."""
        return self.structure.form

    def __len__(self) -> int:
        return self.structure.length

    def read(self) -> Any:
        """Fetch the whole array, as an `awkward.Array`."""
        response = self._http.get("awkward/full", self._path, accept=nested.ZIP)
        return nested.decode_awkward(self.form, len(self), response.content)

    def __getitem__(self, index: Any) -> Any:
        """Fetch a selection, of which only the required buffers are transferred."""
        awkward = require_package("awkward", "awkward")
        form = awkward.forms.from_dict(dict(self.form))
        fetched = self._fetch_buffers(_required_form_keys(form, index))
        buffers = {name: fetched.get(name) or self._on_demand(name) for name in buffer_names(form)}
        array = awkward.from_buffers(form, len(self), buffers)
        selected = array[index]
        return awkward.to_packed(selected) if hasattr(selected, "layout") else selected

    def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace all items.

        Parameters
        ----------
        array
            An array of the same form and length, or any argument of `awkward.Array`.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        ValueError
            If the form or length differs.
        """
        form, length, buffers = awkward_buffers(nested.to_awkward(array))
        if (form, length) != (self.form, len(self)):
            raise ValueError(
                "the array has another form or length than the stored one: create a new node"
            )
        self._send("PUT", "awkward/full", zip_members(buffers), nested.ZIP, persist=persist)

    def __repr__(self) -> str:
        fields = self.form.get("fields")
        named = f" fields={fields}" if fields else ""
        return f"<AwkwardClient length={len(self)}{named}>"

    def _fetch_buffers(self, form_keys: list[str]) -> dict[str, bytes]:
        if not form_keys:
            return {}
        content = self._http.post(
            "awkward/buffers", self._path, form_keys, accept=nested.ZIP
        ).content
        try:
            return unzip_members(content)
        except WireError as error:
            raise InvalidResponse(f"{self.uri} sent invalid buffers: {error}") from error

    def _on_demand(self, name: str) -> Any:
        """Return a function that fetches a buffer, which Awkward Array calls if it needs it."""
        return lambda: self._fetch_buffers([form_key(name)])[name]


def _required_form_keys(form: Any, index: Any) -> list[str]:
    """Return the form keys of the buffers that an index reads, by a trial without data."""
    awkward = require_package("awkward", "awkward")
    tracer, report = awkward.typetracer.typetracer_with_report(form)
    selected = awkward.Array(tracer)[index]
    if hasattr(selected, "layout"):
        awkward.typetracer.touch_data(selected)
    return sorted(set(report.data_touched))
