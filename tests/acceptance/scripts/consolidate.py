"""Register files of each format as bluesky's writers describe them, and read them back."""

import sys
import warnings
from pathlib import Path

import h5py
import numpy
import tifffile
from bluesky_tiled_plugins.writing.consolidators import consolidator_factory
from installed import from_uri
from PIL import Image

warnings.simplefilter("ignore", DeprecationWarning)
uri, key, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
c = from_uri(uri, api_key="secret").create_container(key)
base = f"file://localhost{folder}/"
frames = numpy.arange(6 * 4 * 5, dtype="u1").reshape(6, 4, 5)


def consolidated(name, mimetype, address, shape, expected, dtype, several=(), **parameters):
    """Register the files of a detector, and compare what is read with `expected`, by event."""
    resource = {
        "data_key": name,
        "mimetype": mimetype,
        "uri": base + address,
        "parameters": parameters,
    }
    descriptor = {"data_keys": {name: {"shape": list(shape), "dtype_numpy": dtype}}}
    consolidator = consolidator_factory(resource, descriptor)
    node = None
    for number in range(several or len(expected)):
        indices = {"start": number, "stop": number + 1}
        consolidator.consume_stream_datum({"indices": indices, "seq_nums": indices})
    source = consolidator.get_data_source()
    node = c.new(source.structure_family, [source], key=name)
    if expected is None:
        print(name, node.structure_family.value)
        return
    found = node.read()
    assert found.dtype == numpy.dtype(dtype), found.dtype
    loss = 4 if "jpeg" in mimetype else 0
    assert found.size == expected.size, found.shape
    difference = found.reshape(expected.shape).astype(float) - expected
    assert abs(difference).max() <= loss, found
    middle = node[1:2] if found.ndim else found
    assert numpy.abs(middle.astype(float) - found[1:2]).max() == 0
    print(name, list(found.shape))


with h5py.File(folder / "b.h5", "w") as file:
    file["data"], file["numbers"] = frames, numpy.arange(6.0)
    file["cube"] = frames.reshape(6, 1, 4, 5)
H5 = "application/x-hdf5"
consolidated("h5", H5, "b.h5", (4, 5), frames, "|u1", dataset="data", chunk_shape=[1, 4, 5])
consolidated("h5 numbers", H5, "b.h5", (1,), numpy.arange(6.0), "<f8", dataset="numbers")
consolidated("h5 stacked", H5, "b.h5", (1, 4, 5), frames, "|u1", dataset="data")
pairs = {"dataset": "data", "multiplier": 2, "join_method": "concat", "chunk_shape": [2]}
consolidated("h5 concat", H5, "b.h5", (2, 4, 5), frames, "|u1", several=3, **pairs)
part = {"dataset": "cube", "slice": "(:, 0, 1:3)", "squeeze": True}
consolidated("h5 slice", H5, "b.h5", (2, 5), frames[:, 1:3], "|u1", **part)
for number, frame in enumerate(frames):
    with h5py.File(folder / f"m_{number}.h5", "w") as file:
        file["data"] = frame[None]
consolidated("h5 files", H5, "m", (1, 4, 5), frames, "|u1", dataset="data", template="_{:d}.h5")

T = {"template": "t_{:05d}.tiff", "chunk_shape": [1]}
for number, frame in enumerate(frames):
    tifffile.imwrite(folder / f"t_{number:05d}.tiff", frame)
    numpy.save(folder / f"n_{number}.npy", frame)
    Image.fromarray(frame * 2).save(folder / f"j_{number}.jpg", quality=100)
TIFF = "multipart/related;type=image/tiff"
consolidated("tiff", TIFF, "", (4, 5), frames, "|u1", **T)
consolidated("tiff stack", TIFF, "", (2, 4, 5), frames, "|u1", several=3, multiplier=2, **T)
joined = {"several": 3, "multiplier": 2, "join_method": "concat"}
consolidated("tiff concat", TIFF, "", (2, 4, 5), frames, "|u1", **joined, **T)
for number in range(3):
    tifffile.imwrite(folder / f"p_{number}.tiff", frames[2 * number : 2 * number + 2])
pages = {"template": "p_{:d}.tiff", "chunk_shape": [2, 4, 5]}
consolidated("tiff pages", TIFF, "", (2, 4, 5), frames, "|u1", several=3, **pages)
JPEG = "multipart/related;type=image/jpeg"
consolidated("jpeg", JPEG, "", (4, 5), frames * 2.0, "|u1", template="j_{:d}.jpg")
NPY = "multipart/related;type=application/x-npy"
consolidated("npy", NPY, "", (4, 5), frames, "|u1", filename="n")
numpy.savetxt(folder / "c.csv", numpy.arange(12).reshape(6, 2), delimiter=",", fmt="%d")
CSV = "text/csv;header=absent"
consolidated("csv", CSV, "c.csv", (1, 2), numpy.arange(12).reshape(6, 2), "<i8")
records = [["x", "<f8"], ["n", "<i8"]]
consolidated("csv records", CSV, "c.csv", (1,), None, records, several=6)
print(c["csv records"].read().tolist()[5])
consolidated("bytes", "application/octet-stream", "c.csv", (1,), None, None, several=1)
