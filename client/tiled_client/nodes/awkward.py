"""Client object of awkward arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import nested
from ..errors import InvalidResponse
from ..http.operations import operation
from ..optional import require_package
from ..wire.awkward import AwkwardStructure
from ..wire.buffers import awkward_buffers, buffer_names, form_key, unzip_members, zip_members
from ..wire.errors import WireError
from ..wire.structure_family import StructureFamily
from .data_node import DataNode
from .display.texts import joined, listed
from .structured import StructuredOperations


class AwkwardOperations(StructuredOperations[AwkwardStructure]):
    """Nested records, lists and optional values, as both clients have them."""

    _structure_class = AwkwardStructure
    _full_endpoint = "awkward/full"

    @property
    def form(self) -> Mapping[str, Any]:
        """The form of the items, in Awkward Array's JSON format."""
        return self.structure.form

    @operation
    async def read(self) -> Any:
        """Fetch the whole array, as an `awkward.Array`.

        Returns
        -------
        awkward.Array
            All items; `a[...]` fetches only those that a selection needs.
        """
        response = await self._requests.get("awkward/full", self._path, accept=nested.ZIP)
        return nested.decode_awkward(self.form, self.structure.length, response.content)

    @operation
    async def __getitem__(self, index: Any) -> Any:
        """Fetch a selection, of which only the required buffers are transferred."""
        awkward = require_package("awkward", "awkward")
        form = awkward.forms.from_dict(dict(self.form))
        fetched = await self._fetch_buffers(_required_form_keys(form, index))
        while True:
            missing: list[str] = []
            buffers = {
                name: fetched.get(name) or _unfetched(name, missing) for name in buffer_names(form)
            }
            try:
                selected = awkward.from_buffers(form, self.structure.length, buffers)[index]
                return awkward.to_packed(selected) if hasattr(selected, "layout") else selected
            except Exception:
                # The selection depends on the data: fetch the missing buffers, and select again.
                if not missing:
                    raise
                fetched |= await self._fetch_buffers([form_key(name) for name in missing])

    @operation
    async def write(self, array: Any, *, persist: bool = True) -> None:
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
        await self._write(array, persist=persist)

    async def _write(self, array: Any, *, persist: bool = True) -> None:
        form, length, buffers = awkward_buffers(nested.to_awkward(array))
        if (form, length) != (self.form, self.structure.length):
            raise ValueError(
                "the array has another form or length than the stored one: create a new node"
            )
        await self._send("PUT", "awkward/full", zip_members(buffers), nested.ZIP, persist=persist)

    def _facts(self) -> str:
        fields = self.form.get("fields")
        named = f"fields={listed(fields, len(fields))}" if fields else ""
        return joined(f"length={self.structure.length}", named)

    async def _fetch_buffers(self, form_keys: list[str]) -> dict[str, bytes]:
        if not form_keys:
            return {}
        response = await self._requests.post(
            "awkward/buffers", self._path, form_keys, accept=nested.ZIP
        )
        try:
            return unzip_members(response.content)
        except WireError as error:
            raise InvalidResponse(f"{self.uri} sent invalid buffers: {error}") from error


class AwkwardClient(AwkwardOperations, DataNode, family=StructureFamily.awkward):
    """Nested records, lists and optional values on a server; reading gives an `awkward.Array`.

    Examples
    --------
    >>> a = client.write_awkward([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}], key="a")
    >>> a["y"].to_list()
    [[1.5], []]
    """

    def __len__(self) -> int:
        return self.structure.length


def _unfetched(name: str, missing: list[str]) -> Callable[[], Any]:
    """Return a function that notes a buffer that Awkward Array needs and was not fetched."""

    def note() -> Any:
        missing.append(name)
        raise KeyError(name)

    return note


def _required_form_keys(form: Any, index: Any) -> list[str]:
    """Return the form keys of the buffers that an index reads, by a trial without data."""
    awkward = require_package("awkward", "awkward")
    tracer, report = awkward.typetracer.typetracer_with_report(form)
    selected = awkward.Array(tracer)[index]
    if hasattr(selected, "layout"):
        awkward.typetracer.touch_data(selected)
    return sorted(set(report.data_touched))
