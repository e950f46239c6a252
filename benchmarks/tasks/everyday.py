"""Sixty things that people do with a client, mistakes included, in the words of each client."""

from __future__ import annotations

from dataclasses import dataclass

BEFORE = """
import asyncio, pickle, time
import numpy, pandas
root = from_uri(uri, api_key=key)
client = root.create_container()
stack = numpy.arange(4 * 64 * 64, dtype="uint16").reshape(4, 64, 64)
frame = stack[:1]
rows = pandas.DataFrame({"time": [0.5, 1.0, 1.5], "count": [7, 8, 9]})
images = client.write_array(stack, key="images")
line = client.write_array(numpy.arange(5.0), key="line")
table = client.write_table(rows, key="table")
runs = client.create_container("runs")
for number in range(5):
    metadata = {"sample": "Ni" if number % 2 else "Fe", "n": number}
    runs.create_container(str(number), metadata=metadata)

def collect(node, count, start=0):
    "Subscribe with callbacks until there are some updates."
    seen = []
    def keep(update):  # Tiled's client has weak references to callbacks only.
        seen.append(update)
    sub = node.subscribe()
    sub.new_data.add_callback(keep)
    sub.start_in_thread(start)
    until = time.monotonic() + 20
    while len(seen) < count and time.monotonic() < until:
        time.sleep(0.005)
    sub.disconnect()
    return seen
"""


@dataclass(frozen=True)
class Task:
    """A task, and the code of both clients; Tiled's is the same if it is not given."""

    title: str
    ours: str
    other: str = ""

    @property
    def tiled(self) -> str:
        """The code of Tiled's client."""
        return self.other or self.ours


TASKS = [
    # First contact
    Task("connect with a key", "print(type(from_uri(uri, api_key=key)).__name__)"),
    Task("connect to a port where nothing listens", 'from_uri(f"http://127.0.0.1:{free_port}")'),
    Task("connect to an unknown host", 'from_uri("http://no-such-host.invalid:8000")'),
    Task("say https where it is http", 'from_uri(uri.replace("http:", "https:"), api_key=key)'),
    Task("connect with a wrong key", 'from_uri(uri, api_key="wrong").keys()'),
    Task(
        "connect with a key copied with a line end",
        'print(len(from_uri(uri, api_key=key + "\\n")))',
    ),
    Task(
        "connect to a path that does not exist",
        'from_uri(uri + "/api/v1/metadata/nowhere", api_key=key)',
    ),
    Task(
        "connect to an address that is not the server's API",
        'from_uri(uri + "/wrong/place", api_key=key)',
    ),
    Task("open an unknown profile", 'from_profile("beamline")'),
    # Looking around
    Task("list keys", "print(list(client))"),
    Task("count entries", "print(len(runs))"),
    Task("show a container", "print(client)"),
    Task("show an array", "print(images)"),
    Task("show a table", "print(table)"),
    Task("show the whole tree", "client.tree()", "from tiled.utils import tree\ntree(client)"),
    Task("open a node in a container", 'print(client["runs", "1"].metadata["sample"])'),
    Task("open a node that does not exist", 'client["imags"]'),
    Task(
        "find by metadata",
        'from tiled_client.queries import Key\nprint(list(runs.search(Key("sample") == "Ni")))',
        'from tiled.queries import Key\nprint(list(runs.search(Key("sample") == "Ni")))',
    ),
    Task("sort by metadata", 'print(list(runs.sort(("n", -1)))[:2])'),
    Task("open the newest node", "print(runs.values().last().metadata)"),
    Task("count by value", 'print(runs.distinct("sample", counts=True)["metadata"])'),
    # Reading
    Task("read an array", "print(images.read().shape)"),
    Task("read one frame", "print(images[2].shape)"),
    Task("read beyond the end", "images[7]"),
    Task("read every other pixel", "print(images[0, ::2, ::2].shape)"),
    Task("give an array to numpy", "print(numpy.asarray(images).sum())"),
    Task(
        "mean of cells of 4 by 4 pixels",
        'print(images.read(reduce="mean:4,4").shape)',
        "print(images[...].reshape(4, 16, 4, 16, 4).mean((2, 4)).shape)",
    ),
    Task("read a table", "print(table.read().shape)"),
    Task("read a column", 'print(list(table["count"]))', 'print(list(table["count"].read()))'),
    Task("ask for an unknown column", 'table["counts"]'),
    Task(
        "the first rows of a table", "print(len(table.head(2)))", "print(len(table.read().head(2)))"
    ),
    Task("count the rows of a table", "print(len(table))", "print(len(table.read()))"),
    Task(
        "read lazily with dask",
        'print(from_uri(client.uri, "dask", api_key=key)["images"].read().mean().compute())',
    ),
    Task("export to a TIFF", 'images.export("images.tiff")'),
    Task("export to a format that cannot be", 'line.export("line.xlsb")'),
    # Writing
    Task("write an array", 'print(client.write_array(stack, key="new").shape)'),
    Task("write under a key that is taken", 'client.write_array(stack, key="images")'),
    Task(
        "write again what may be there",
        'client.write_array(stack, key="images", if_exists="replace")',
        'client.delete_contents("images", external_only=False)\n'
        'client.write_array(stack, key="images")',
    ),
    Task("write a list of numbers", 'print(client.write_array([1, 2, 3], key="list").read())'),
    Task(
        "write a masked array",
        'client.write_array(numpy.ma.masked_equal([1, -1], -1), key="masked")',
    ),
    Task(
        "give a spec as a text",
        'print([spec.name for spec in client.write_array(stack, key="spec", specs="image").specs])',
    ),
    Task(
        "metadata with NaN", 'print(client.create_container(metadata={"t": float("nan")}).metadata)'
    ),
    Task(
        "append a frame",
        'images = client["images"]\n'
        "images.patch(frame, offset=(4, 0, 0), extend=True)\n"
        "print(images.shape)",
    ),
    Task(
        "append a frame of another size",
        "images.patch(frame[:, :60], offset=(5, 0, 0), extend=True)\nprint(images.shape)",
    ),
    Task("patch beyond the end without extend", "line.patch(numpy.ones(3), offset=(5,))"),
    Task("write text into numbers", 'line.write(numpy.array(["a", "b", "c", "d", "e"]))'),
    Task("write a table", 'print(client.write_table(rows, key="rows").columns)'),
    Task(
        "append rows",
        'log = client.create_appendable_table({"n": "int64"}, key="log")\n'
        'log.append({"n": [1, 2]})',
        "import pyarrow\n"
        'schema = pyarrow.schema({"n": pyarrow.int64()})\n'
        'log = client.create_appendable_table(schema, key="log")\n'
        'log.append_partition(0, pyarrow.table({"n": [1, 2]}, schema))',
    ),
    Task(
        "append rows of another type",
        'log.append({"n": [1.5]})',
        'log.append_partition(0, pyarrow.table({"n": [1.5]}))',
    ),
    Task(
        "change one value of metadata",
        'runs["1"].update_metadata({"sample": "Cu"})\n'
        'print(client["runs", "1"].metadata["sample"])',
    ),
    Task("assign to metadata", 'runs["1"].metadata["sample"] = "Cu"'),
    Task(
        "write an xarray Dataset and read it back",
        "import xarray\n"
        'client.write_xarray(xarray.Dataset({"t": ("x", [1.0, 2.0])}), key="ds")\n'
        'print(client["ds"].read().t.values)',
        "import xarray\n"
        "from tiled.client.xarray import write_xarray_dataset\n"
        'write_xarray_dataset(client, xarray.Dataset({"t": ("x", [1.0, 2.0])}), key="ds")\n'
        'print(client["ds"].read().t.values)',
    ),
    Task("delete a container with contents", "runs.delete()"),
    Task("delete it with its contents", "runs.delete(recursive=True)\nprint('runs' in client)"),
    # Streams
    Task(
        "receive all updates with callbacks",
        "line.write(numpy.ones(5))\nprint(len(collect(line, 2)))",
    ),
    Task(
        "loop over updates until the producer ends",
        "line.close_stream()\nprint([update.sequence for update in line.updates(start=0)])",
        "line.close_stream()\n"
        "def show(update):\n    print(update.sequence)\n"
        "sub = line.subscribe()\n"
        "sub.new_data.add_callback(show)\n"
        "sub.start(0)",
    ),
    Task(
        "resume from the second update",
        "print([update.sequence for update in collect(line, 1, 2)])",
    ),
    Task(
        "only the newest, at most twice a second",
        'with line.updates(start="latest", policy="latest", max_rate=2) as updates:\n'
        "    print(next(updates).sequence)",
        'line.subscribe(policy="latest")',
    ),
    Task("subscribe to a node that was deleted", "runs.subscribe().start(0)"),
    Task(
        "send a node to another process",
        "print(pickle.loads(pickle.dumps(images)).shape)",
    ),
    Task(
        "read in asyncio",
        "from tiled_client import AsyncClient\n"
        "async def read():\n"
        "    async with AsyncClient(client.uri, api_key=key) as here:\n"
        '        return (await (await here["line"]).read()).sum()\n'
        "print(asyncio.run(read()))",
        "async def read():\n"
        '    return (await asyncio.to_thread(client["line"].read)).sum()\n'
        "print(asyncio.run(read()))",
    ),
]
