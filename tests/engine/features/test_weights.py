"""Published weight files: where they are looked for, what is refused, how they are fetched and imported."""

import hashlib
import io

import pytest

from genbench.contracts import Silence
from genbench.errors import MissingWeights, UnknownName
from genbench.features import weights
from genbench.features.weights import PUBLISHED, WeightFile, find, import_file, obtain, published

CONTENT = b"the published weights"
WANTED = WeightFile(
    "net", "net.pth", "https://example.org/net.pth", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "nobody"
)


class Answer(io.BytesIO):
    url = "https://example.org/elsewhere/net.pth"


@pytest.fixture(autouse=True)
def _table(monkeypatch, tmp_path):
    monkeypatch.setitem(PUBLISHED, "net", WANTED)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("GENBENCH_OFFLINE")
    monkeypatch.setattr(weights, "urlopen", lambda *_, **__: pytest.fail("a download was tried"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "weights"


def put(path, content=CONTENT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_table_is_sound():
    for name, record in PUBLISHED.items():
        assert record.network == name
        assert record.url.startswith("https://")
        assert name == "net" or record.url.endswith("/" + record.file)
        assert len(record.sha256) == 64


def test_the_inception_file_is_pytorch_fids():
    from pytorch_fid.inception import FID_WEIGHTS_URL

    assert published("inception").url == FID_WEIGHTS_URL
    assert published("inception").sha256[:8] in FID_WEIGHTS_URL


def test_places_are_tried_in_order(folder, tmp_path, monkeypatch):
    assert find(WANTED, folder) is None
    in_hub = put(tmp_path / "torch" / "hub" / "checkpoints" / "net.pth")
    assert find(WANTED, folder) == in_hub
    in_cache = put(folder / "net.pth")
    assert find(WANTED, folder) == in_cache
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(tmp_path / "mine"))
    with pytest.raises(MissingWeights, match=r"\$GENBENCH_WEIGHTS: names nothing"):
        find(WANTED, folder)
    put(tmp_path / "mine" / "other.pth")
    assert find(WANTED, folder) == in_cache
    in_mine = put(tmp_path / "mine" / "net.pth")
    assert find(WANTED, folder) == in_mine
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(tmp_path / "mine" / "other.pth"))
    assert find(WANTED, folder) == tmp_path / "mine" / "other.pth"
    found = obtain("net", folder, None, Silence())
    assert (found.describe(), found.is_published) == (WANTED.sha256, True)


def test_a_named_file_is_for_its_own_network(folder, tmp_path, monkeypatch):
    """One file serves one network; the others look on, and only a file that nobody published is held against them."""
    other = WeightFile("else", "else.pth", WANTED.url, hashlib.sha256(b"else").hexdigest(), 4, "nobody")
    monkeypatch.setitem(PUBLISHED, "else", other)
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(put(tmp_path / "renamed.pth", b"else")))
    assert find(other, folder) == tmp_path / "renamed.pth"
    assert find(WANTED, folder) is None
    in_cache = put(folder / "net.pth")
    assert find(WANTED, folder) == in_cache
    put(tmp_path / "renamed.pth", b"nobody's")
    assert find(WANTED, folder) == find(other, folder) == tmp_path / "renamed.pth"


def test_the_hub_is_where_torch_looks(folder, tmp_path, monkeypatch):
    import torch

    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    in_hub = put(tmp_path / "xdg" / "torch" / "hub" / "checkpoints" / "net.pth")
    assert str(in_hub).startswith(torch.hub.get_dir())
    assert find(WANTED, folder) == in_hub


def test_a_wrong_file_is_refused_wherever_it_is(folder, tmp_path, monkeypatch):
    """The message has the file, both hashes, and the flag that uses it all the same."""
    wrong = put(folder / "net.pth", b"not these")
    found = hashlib.sha256(b"not these").hexdigest()
    with pytest.raises(MissingWeights, match=f"expected SHA-256 {WANTED.sha256}, got {found}.*--weights {wrong}"):
        obtain("net", folder, None, Silence())
    put(folder / "net.pth")
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(put(tmp_path / "own.pth", b"not these")))
    with pytest.raises(MissingWeights, match=r"own\.pth is not the published file"):
        obtain("net", folder, None, Silence())


def test_a_file_the_user_names_may_be_another_and_says_so(folder, tmp_path):
    put(folder / "net.pth")
    own = put(tmp_path / "own.pth", b"mine")
    found = obtain("net", folder, own, Silence())
    assert found.path == own
    assert found.describe() == f"{hashlib.sha256(b'mine').hexdigest()} (not the published file)"
    assert obtain("net", folder, put(tmp_path / "copy.pth"), Silence()).describe() == WANTED.sha256
    with pytest.raises(MissingWeights, match="--weights names no file"):
        obtain("net", folder, tmp_path / "none.pth", Silence())


def test_a_download_is_checked_and_put_in_its_place(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(weights, "urlopen", lambda url, timeout: asked.append((url, timeout)) or Answer(CONTENT))
    assert obtain("net", folder, None, Silence()).path == folder / "net.pth"
    assert (folder / "net.pth").read_bytes() == CONTENT
    assert asked == [(WANTED.url, 10)]
    obtain("net", folder, None, Silence())
    assert len(asked) == 1


class Redirected(Answer):
    url = "http://example.org/net.pth"


class Broken(Answer):
    def read(self, *_):
        raise TimeoutError("timed out")


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Answer(b"half"), "SHA-256"), (Redirected(CONTENT), "not https"), (Broken(CONTENT), "timed out")],
)
def test_a_failed_download_leaves_nothing_and_one_message(folder, monkeypatch, answer, why):
    monkeypatch.setattr(weights, "urlopen", lambda *_, **__: answer)
    with pytest.raises(MissingWeights) as caught:
        obtain("net", folder, None, Silence())
    message = str(caught.value)
    for part in (WANTED.url, WANTED.sha256, WANTED.file, str(folder), "--extractor efficientnet-lite0", why):
        assert part in message
    assert "\n" not in message
    assert list(folder.iterdir()) == []


def test_offline_means_that_no_download_is_tried(folder, monkeypatch):
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    with pytest.raises(MissingWeights, match="GENBENCH_OFFLINE is 1"):
        obtain("net", folder, None, Silence())
    assert not folder.exists()


def test_importing_recognises_by_content(folder, tmp_path):
    assert import_file(put(tmp_path / "download (1)"), folder) == (WANTED, folder / "net.pth")
    assert (folder / "net.pth").read_bytes() == CONTENT
    with pytest.raises(MissingWeights, match=r"no published file.*--weights"):
        import_file(put(tmp_path / "other", b"other"), folder)
    with pytest.raises(MissingWeights, match="no such file"):
        import_file(tmp_path / "none", folder)
    assert [path.name for path in folder.iterdir()] == ["net.pth"]


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match=r"expected one of .*inception"):
        published("inceptoin")
