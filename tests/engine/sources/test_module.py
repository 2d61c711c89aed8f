import sys
import textwrap

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.contracts import SourceOptions
from genbench.errors import BadInput, MissingWeights
from genbench.images.decode import decode
from genbench.sources import open_source
from genbench.sources.memory import ArraySource
from genbench.sources.sampled import SampledSource
from genbench.sources.spool import IterableSource


class Net(torch.nn.Module):
    """Latents [n, 6] -> tanh images [n, 3, 8, 8]; dropout and batch norm tell whether it is in eval mode."""

    latent_dim = 6

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = torch.nn.Sequential(
            torch.nn.Linear(6, 192), torch.nn.BatchNorm1d(192), torch.nn.Dropout(0.5), torch.nn.Tanh()
        )

    def forward(self, z):
        return self.body(z).view(-1, 3, 8, 8)


def uniform(n, generator):
    return torch.rand(n, 3, 8, 8, generator=generator)


def images(source, count=None):
    return np.stack([decode(blob) for blob in source.read(source.entries(count))])


def written(tmp_path, code, name="gan.py"):
    (tmp_path / name).write_text(textwrap.dedent(code))
    return f"{tmp_path / name}"


# ------------------------------------------------------------------------------------------------ sampling


def test_image_depends_on_seed_and_index_alone():
    whole = images(open_source(uniform), 200)
    source = open_source(uniform)
    assert np.array_equal(images(source, 70), whole[:70])
    entries = source.entries(200)
    order = [199, 3, 130, 64, 63, 3]
    for index, blob in zip(order, source.read([entries[i] for i in order]), strict=True):
        assert np.array_equal(blob, whole[index])
    other = open_source(uniform, SourceOptions(seed=1))
    assert not np.array_equal(images(other, 64), whole[:64])
    assert len(np.unique(whole.reshape(200, -1), axis=0)) == 200


def test_always_full_chunks():
    asked = []

    def draw(n, generator):
        asked.append(n)
        return uniform(n, generator)

    images(open_source(draw), 130)
    assert asked == [64, 64, 64, 64]  # the first chunk twice, to see whether it repeats


def test_generator_is_the_documented_one():
    from genbench.seeds import derive

    expected = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(derive(5, "sample", 1)))
    found = images(open_source(uniform, SourceOptions(seed=5)), 65)[64]
    assert np.array_equal(found, np.floor(expected[0].permute(1, 2, 0).double().numpy() * 255 + 0.5))


def test_entries_of_a_generator():
    source = open_source(uniform)
    assert source.is_endless
    assert source.seeded
    assert [(entry.name, entry.stamp) for entry in source.entries(2)] == [("000000", None), ("000001", None)]
    with pytest.raises(BadInput, match="--count"):
        source.entries()


def test_own_random_numbers_are_found_out_and_one_run_sees_one_set():
    source = open_source(lambda n, generator: torch.rand(n, 3, 8, 8))
    assert not source.seeded
    assert any("outside the generator" in note for note in source.notes)
    assert np.array_equal(images(source, 200), images(source, 200))


def test_seeded_sources_have_no_such_note():
    assert open_source(uniform).notes == ["no range given for its floats: taken as [0, 1]"]


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x,
        lambda x: x.permute(0, 2, 3, 1),
        lambda x: x.numpy(),
        lambda x: x.double(),
        lambda x: (x * 255 + 0.5).floor().to(torch.uint8),
        lambda x: [Image.fromarray((y.permute(1, 2, 0) * 255 + 0.5).byte().numpy()) for y in x],
        lambda x: list(x),
    ],
    ids=["nchw", "nhwc", "numpy", "double", "uint8", "pictures", "list"],
)
def test_forms_of_output_agree(convert):
    plain = images(open_source(uniform), 64)
    assert np.array_equal(images(open_source(lambda n, generator: convert(uniform(n, generator))), 64), plain)


def test_one_channel_becomes_three():
    grey = images(open_source(lambda n, generator: uniform(n, generator)[:, :1]), 2)
    assert np.array_equal(grey, np.repeat(images(open_source(uniform), 2)[..., :1], 3, axis=3))


def test_later_chunk_outside_the_guess_tells_the_flag():
    calls = []

    def late(n, generator):
        calls.append(n)
        return uniform(n, generator) - int(len(calls) > 2)

    source = open_source(late)
    with pytest.raises(BadInput, match=r"expected floats in \[0, 1\], got -.*--range=-1,1"):
        images(source, 65)


def test_range_of_options_goes_before_the_attribute_and_that_before_a_guess():
    def draw(n, generator):
        return torch.full((n, 1, 8, 8), 0.5)

    assert images(open_source(draw), 1)[0, 0, 0, 0] == 128
    draw.output_range = (-1, 1)
    source = open_source(draw)
    assert images(source, 1)[0, 0, 0, 0] == 191
    assert source.notes == []
    assert images(open_source(draw, SourceOptions(output_range=(0, 2))), 1)[0, 0, 0, 0] == 64


@pytest.mark.parametrize("stated", [(1, -1), (0, 0), (1,), "01x", (0, float("nan"))])
def test_wrong_ranges(stated):
    def draw(n, generator):
        return uniform(n, generator)

    draw.output_range = stated
    with pytest.raises(BadInput, match=r"expected \(low, high\)"):
        open_source(draw)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda n, generator: uniform(n - 1, generator), r"asked for 64 images; .*got float32 \[63, 3, 8, 8\]"),
        (lambda n, generator: uniform(1, generator)[0], r"asked for 64 images; .*got float32 \[3, 8, 8\]"),
        (lambda n, generator: torch.zeros(n, 5, 8, 8), "which axis holds the channels"),
        (lambda n, generator: torch.zeros(n, 10), r"got float32 \[64, 10\]"),
        (lambda n, generator: torch.zeros(n, 3, 0, 0), r"asked for 64"),
        (lambda n, generator: torch.zeros(n, 3, 8, 8, dtype=torch.int64), "got int64"),
        (lambda n, generator: torch.full((n, 3, 8, 8), torch.nan), "got nan"),
        (lambda n, generator: 255 * uniform(n, generator), r"got .* to 25"),
        (lambda n, generator: None, "gave no images; .*got NoneType"),
        (lambda n, generator: {"images": uniform(n, generator)}, "gave no images; .*got dict"),
        (lambda n, generator: (uniform(n, generator), torch.zeros(n)), "gave no images; .*got tuple"),
    ],
)
def test_wrong_outputs(make, words):
    with pytest.raises(BadInput, match=words):
        open_source(make)


# ------------------------------------------------------------------------------------------------ modules


def test_module_runs_in_eval_mode_without_gradients_and_is_left_as_it_was():
    net = Net()
    net.body[1].eval()  # a frozen batch norm inside a module in training
    before = {key: value.clone() for key, value in net.state_dict().items()}
    source = open_source(net)
    found = images(source, 3)
    assert (net.training, net.body[1].training, net.body[2].training) == (True, False, True)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert np.array_equal(found, images(open_source(Net().eval()), 3))
    assert source.seeded
    assert source.notes == ["no range given for its floats: taken as [-1, 1]"]


def test_latents_are_standard_normal_from_the_chunks_generator():
    from genbench.seeds import derive

    net = Net().eval()
    latents = torch.randn(64, 6, generator=torch.Generator().manual_seed(derive(0, "sample", 0)))
    with torch.no_grad():
        expected = np.floor((net(latents).permute(0, 2, 3, 1).double().numpy() + 1) * 127.5 + 0.5)
    assert np.array_equal(images(open_source(net), 64), expected)


@pytest.mark.parametrize(("name", "value"), [("latent_dim", 6), ("z_dim", (6,)), ("nz", [6])])
def test_latent_shape_from_attributes(name, value):
    net = torch.nn.Sequential(Net().body, torch.nn.Unflatten(1, (3, 8, 8)))
    setattr(net, name, value)
    assert images(open_source(net), 1).shape == (1, 8, 8, 3)


def test_latent_shape_from_options():
    net = torch.nn.Sequential(torch.nn.Flatten(), Net().body, torch.nn.Unflatten(1, (3, 8, 8)))
    with pytest.raises(BadInput, match="--latent 128"):
        open_source(net)
    options = SourceOptions(latent=(6, 1, 1))
    assert images(open_source(net, options), 1).shape == (1, 8, 8, 3)


def test_wrong_latent_shape_quotes_torch():
    with pytest.raises(BadInput, match=r"RuntimeError: .*shapes.*test_module\.py:"):
        open_source(Net(), SourceOptions(latent=(7,)))


def test_module_of_a_file_is_cast_and_a_live_one_is_not(tmp_path):
    live = Net().double()
    images(open_source(live), 1)
    assert live.body[0].weight.dtype == torch.float64
    code = """
        import torch
        class Net(torch.nn.Module):
            latent_dim = 4
            output_range = (0, 1)
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.ones(4, 75, dtype=torch.float64))
            def forward(self, z):
                assert z.dtype == torch.float32 and not self.training and not torch.is_grad_enabled()
                return torch.sigmoid(z @ self.weight).view(-1, 3, 5, 5)
        net = Net()
        """
    assert images(open_source(written(tmp_path, code) + ":net"), 2).shape == (2, 5, 5, 3)
    assert images(open_source(written(tmp_path, code) + ":Net"), 2).shape == (2, 5, 5, 3)


class Sampler:
    def sample(self, n, generator):
        return torch.full((n, 3, 8, 8), 0.25) + 0 * uniform(n, generator)


def test_sampler_is_in_0_to_1_by_contract():
    source = open_source(Sampler())
    assert isinstance(source, SampledSource)
    assert images(source, 1)[0, 0, 0, 0] == 64
    assert source.notes == []

    class Negative(Sampler):
        def sample(self, n, generator):
            return super().sample(n, generator) - 0.5

    with pytest.raises(BadInput, match="--range"):
        open_source(Negative())


def test_module_with_the_contracts_sample_is_a_sampler_and_with_another_is_not():
    class Both(Net):
        def sample(self, n, generator):
            return Sampler().sample(n, generator)

    class Other(Net):
        def sample(self, mean):
            raise AssertionError

    assert images(open_source(Both()), 1)[0, 0, 0, 0] == 64
    assert np.array_equal(images(open_source(Other()), 2), images(open_source(Net()), 2))


# ------------------------------------------------------------------------------------------------ other objects


def test_arrays_and_tensors():
    array = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), dtype=np.uint8)
    for thing in (array, torch.from_numpy(array), torch.from_numpy(array).permute(0, 3, 1, 2)):
        source = open_source(thing)
        assert isinstance(source, ArraySource)
        assert np.array_equal(images(source), array)


def test_a_source_is_itself():
    source = ArraySource(np.zeros((2, 8, 8), np.uint8), "mine")
    assert open_source(source) is source


def numbered(count=10**9, made=None):
    for value in range(count):
        if made is not None:
            made.append(value)
        yield np.full((8, 9, 3), value % 256, np.uint8)


def test_finite_iterator_without_a_count():
    source = open_source(numbered(70))
    assert isinstance(source, IterableSource)
    assert (source.seeded, source.is_endless) == (False, True)  # its end is not known beforehand
    assert not open_source(list(numbered(3))).is_endless
    assert images(source)[:, 0, 0, 0].tolist() == list(range(70))
    assert any("not a function of the seed" in note for note in source.notes)


def test_infinite_iterator_with_a_count():
    made = []
    source = open_source(numbered(made=made))
    entries = source.entries(100)
    assert len(made) == 100
    blobs = list(source.read(entries[::-1]))
    assert [blob[0, 0, 0] for blob in blobs] == list(range(99, -1, -1))
    assert len(source.entries(120)) == 120


def test_infinite_iterator_without_a_count_stops(monkeypatch):
    monkeypatch.setattr("genbench.sources.spool.MOST_BYTES", 2**20)
    with pytest.raises(BadInput, match=r"no end in sight.*--count"):
        open_source(numbered()).entries()


def test_data_loader_with_labels_and_a_small_last_batch():
    grey = torch.arange(67, dtype=torch.uint8)[:, None, None].repeat(1, 28, 28)
    data = torch.utils.data.TensorDataset(grey, torch.arange(67))
    loader = torch.utils.data.DataLoader(data, batch_size=32)
    assert images(open_source(loader))[:, 0, 0, 0].tolist() == list(range(67))
    assert images(open_source(data))[:, 0, 0, 0].tolist() == list(range(67))


def test_items_of_many_kinds_and_sizes():
    items = [
        Image.new("RGB", (5, 6), (1, 2, 3)),
        Image.new("L", (7, 8), 9),
        torch.full((3, 10, 11), 4, dtype=torch.uint8),
        np.full((12, 13), 5, np.uint8),
        (np.full((2, 14, 15, 3), 6, np.uint8), np.zeros(2)),
    ]
    source = open_source(items)
    shapes = [decode(blob).shape for blob in source.read(source.entries())]
    assert shapes == [(6, 5, 3), (8, 7, 3), (10, 11, 3), (12, 13, 3), (14, 15, 3), (14, 15, 3)]


def test_range_of_an_iterable_is_guessed_from_64_images():
    def floats():
        for value in range(100):
            yield np.full((3, 8, 8), -0.5 if value == 60 else 0.5, np.float32)

    source = open_source(floats())
    assert images(source)[0, 0, 0, 0] == 191
    assert "no range given for its floats: taken as [-1, 1]" in source.notes


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "empty iterable"),
        ([1, 2], "not an image; .*got int"),
        (["a.png"], "not an image; .*got str"),
        ([{"image": 1}], "not an image; .*got dict"),
        ([(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))], "unclear item"),
        ([np.zeros((8, 8, 3), np.int64)], "int64"),
    ],
)
def test_wrong_items(items, words):
    with pytest.raises(BadInput, match=words):
        open_source(iter(items))


def test_an_iterable_that_breaks_is_quoted():
    def broken():
        yield from numbered(3)
        raise RuntimeError("disk on fire")

    with pytest.raises(BadInput, match=r"RuntimeError: disk on fire .*test_module\.py:\d+"):
        open_source(broken()).entries()


# ------------------------------------------------------------------------------------------------ files and packages


def test_factories_of_factories(tmp_path):
    code = """
        import torch
        def build(width=3, depth=2):      # two arguments, none required: a factory, not f(n, generator)
            return Outer
        class Outer:
            def __init__(self, size=8):
                self.size = size
            def sample(self, n, generator):
                return torch.rand(n, 3, self.size, self.size, generator=generator)
        def draw(n=16, generator=None):
            return torch.rand(n, 3, 8, 8, generator=generator)
        def pictures():
            for value in range(5):
                yield torch.full((3, 8, 8), value, dtype=torch.uint8)
        def endless():
            return endless
        array = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
        """
    path = written(tmp_path, code)
    assert np.array_equal(images(open_source(f"{path}:build"), 4), images(open_source(uniform), 4))
    assert np.array_equal(images(open_source(f"{path}:draw"), 4), images(open_source(uniform), 4))
    assert images(open_source(f"{path}:pictures"))[:, 0, 0, 0].tolist() == list(range(5))
    assert images(open_source(f"{path}:array")).shape == (4, 8, 8, 3)
    with pytest.raises(BadInput, match="only makes factories"):
        open_source(f"{path}:endless")


def test_file_imports_its_neighbours_and_finds_its_data(tmp_path):
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "layers_of_mine.py").write_text(f"VALUE = {value}")
        (tmp_path / folder / "weights.txt").write_text(str(value * 10))
        code = """
            from pathlib import Path
            import numpy as np
            from layers_of_mine import VALUE
            def build():
                import layers_of_mine
                assert layers_of_mine.VALUE == VALUE
                value = VALUE + int((Path(__file__).parent / "weights.txt").read_text())
                return np.full((2, 8, 8, 3), value, np.uint8)
            """
        written(tmp_path / folder, code)
    path = list(sys.path)
    assert images(open_source(f"{tmp_path}/a/gan.py:build"))[0, 0, 0, 0] == 11
    assert images(open_source(f"{tmp_path}/b/gan.py:build"))[0, 0, 0, 0] == 22
    again = open_source(f"{tmp_path}/a/gan.py:build")
    assert images(again)[0, 0, 0, 0] == 11
    assert sys.path == path


def test_package_of_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "pkg_of_mine").mkdir()
    (tmp_path / "pkg_of_mine/__init__.py").touch()
    (tmp_path / "pkg_of_mine/mod.py").write_text(
        "import numpy as np\nclass Box:\n    a = np.zeros((2, 8, 8), np.uint8)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert images(open_source("pkg_of_mine.mod:Box.a")).shape == (2, 8, 8, 3)
    assert open_source("python:pkg_of_mine.mod:Box.a").name == "python:pkg_of_mine.mod:Box.a"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import torch\nbuild = 1 / 0", r"ZeroDivisionError: division by zero \(.*gan\.py:2\)"),
        ("def build(:", r"SyntaxError: .*\(.*gan\.py:1\)"),
        ("import nothing_like_it", r"ModuleNotFoundError: No module named 'nothing_like_it' \(.*gan\.py:1\)"),
        ("import sys\nsys.exit(3)", r"SystemExit: 3 \(.*gan\.py:2\)"),
        ("def build():\n    x = []\n    return x[4]", r"IndexError: list index out of range \(.*gan\.py:3\)"),
        ("def build(n, generator):\n    import torch\n    return torch.zeros(2) @ torch.zeros(3)", r"gan\.py:3\)"),
        ("def build(n, generator):\n    raise ValueError('two\\nlines')", r"ValueError: two lines \(.*gan\.py:2\)"),
    ],
)
def test_errors_in_the_users_code_name_their_line(tmp_path, code, words):
    with pytest.raises(BadInput, match=words) as caught:
        open_source(written(tmp_path, code) + ":build")
    assert "\n" not in str(caught.value)


def test_our_own_errors_pass_as_they_are():
    def draw(n, generator):
        raise MissingWeights("exactly this")

    with pytest.raises(MissingWeights, match=r"^exactly this$"):
        open_source(draw)


def test_a_file_that_failed_leaves_nothing_behind(tmp_path):
    before = set(sys.modules)
    with pytest.raises(BadInput):
        open_source(written(tmp_path, "1 / 0") + ":build")
    assert not {name for name in set(sys.modules) - before if "gan" in name}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def built(): pass\ndef other(): pass", r"no such object; expected one of built, other, got 'build'.*'built'"),
        ("build = 'text'", r"makes no images; expected a torch module.*got str 'text'"),
        ("build = {}", "makes no images.*got dict"),
        ("build = 7", "makes no images.*got int 7"),
        ("import os as build", "makes no images.*got module"),
        ("def build(n): pass", r"makes no images.*got build\(n\).*torch\.randn\(n, 128, generator=generator\)"),
        ("def build(a, b, c): pass", r"got build\(a, b, c\)"),
        ("def build(): return None", "makes no images.*got NoneType"),
        ("class build:\n  def __init__(self, width): pass", r"needs arguments.*got build\(width\)"),
        ("class build:\n  def sample(self, n): pass", r"build\.sample has another signature.*got \(n\)"),
    ],
)
def test_other_things_are_named(tmp_path, code, words):
    with pytest.raises(BadInput, match=words):
        open_source(written(tmp_path, code) + ":build")


def test_missing_files_and_modules(tmp_path):
    path = written(tmp_path, "")
    with pytest.raises(BadInput, match=r"no such file.*Did you mean '.*gan\.py'"):
        open_source(path.replace("gan.py", "gn.py") + ":build")
    with pytest.raises(BadInput, match=r"no such module.*'pkg_nowhere\.mod' without 'pkg_nowhere'"):
        open_source("pkg_nowhere.mod:build")
    with pytest.raises(BadInput, match=r"Add the name: .*gan\.py:build"):
        open_source(f"python:{path}")
