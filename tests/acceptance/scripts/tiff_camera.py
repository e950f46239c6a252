"""A simulated camera that saves a TIFF per trigger, described as by ophyd-async's devices."""

import uuid
from pathlib import Path

import numpy as np
import tifffile
from ophyd_async.core import AsyncStatus


class TiffCamera:
    """A bluesky device that writes one TIFF per trigger, and names it in stream documents."""

    name = "eye"
    parent = None
    hints = {"fields": []}
    shape = (4, 6)

    def __init__(self, folder):
        self.folder = Path(folder)
        self.uid = None

    @AsyncStatus.wrap
    async def stage(self):
        self.uid, self.taken, self.told = str(uuid.uuid4()), 0, 0

    @AsyncStatus.wrap
    async def unstage(self):
        pass

    @AsyncStatus.wrap
    async def trigger(self):
        path = self.folder / f"{self.uid}_{self.taken:05d}.tif"
        tifffile.imwrite(path, np.full(self.shape, self.taken, "uint16"))
        self.taken += 1

    def read(self):
        return {}

    def read_configuration(self):
        return {}

    def describe_configuration(self):
        return {}

    def describe(self):
        described = {"dtype": "array", "dtype_numpy": "<u2", "shape": [1, *self.shape]}
        return {self.name: {"source": "camera", "external": "STREAM:", **described}}

    async def get_index(self):
        return self.taken

    async def collect_asset_docs(self, index=None):
        if not self.told:
            yield "stream_resource", self._resource()
        if self.taken > self.told:
            yield "stream_datum", self._datum(self.told, self.taken)
            self.told = self.taken

    def _resource(self):
        return {
            "uid": self.uid,
            "data_key": self.name,
            "mimetype": "multipart/related;type=image/tiff",
            "uri": f"file://localhost{self.folder}/",
            "parameters": {"template": f"{self.uid}_{{:05d}}.tif", "chunk_shape": (1, *self.shape)},
        }

    def _datum(self, start, stop):
        return {
            "stream_resource": self.uid,
            "uid": f"{self.uid}/{start}",
            "descriptor": "",
            "indices": {"start": start, "stop": stop},
            "seq_nums": {"start": 0, "stop": 0},
        }
