"""The feature store: what goes in comes out bit for bit, whoever else writes, whoever is killed, whatever rots."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from genbench.contracts import Facts
from genbench.errors import BadInput, CacheCorrupt, GenbenchError, UnknownName
from genbench.features.store import FILE, Damaged, Store, default_cache, erase

NET = "efficientnet-lite0:1f"
OTHER = "pixels:2e"
DAY_S = 86400


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def vector(number: int, width: int = 8) -> np.ndarray:
    return np.random.default_rng(number).standard_normal(width).astype(np.float32)


def rows(numbers, **widths: int) -> dict[str, dict[str, np.ndarray]]:
    widths = widths or {"pooled": 8}
    return {digest(i): {layer: vector(i, width) for layer, width in widths.items()} for i in numbers}


def fill(directory: Path, count: int = 10) -> list[str]:
    with Store(directory) as store:
        store.put(NET, rows(range(count)))
    return [digest(i) for i in range(count)]


def edit(directory: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(directory / FILE)) as raw, raw:
        assert raw.execute(sql, values).rowcount > 0


def flip(directory: Path, hexdigest: str) -> None:
    """Turn over one bit of the features of one image."""
    with closing(sqlite3.connect(directory / FILE)) as raw, raw:
        key = (bytes.fromhex(hexdigest),)
        (stored,) = raw.execute("SELECT vector FROM features WHERE digest = ?", key).fetchone()
        spoilt = bytes([stored[0] ^ 1]) + stored[1:]
        raw.execute("UPDATE features SET vector = ? WHERE digest = ?", (spoilt, *key))


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    prelude = (
        "import sys, time, hashlib, numpy as np\nfrom pathlib import Path\nfrom genbench.features.store import Store\n"
    )
    prelude += "digest = lambda i: hashlib.sha256(str(i).encode()).hexdigest()\n"
    prelude += "vector = lambda i: np.random.default_rng(i).standard_normal(8).astype(np.float32)\n"
    command = [sys.executable, "-c", prelude + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), results
    return [out for out, _ in results]


# ------------------------------------------------------------------------------------------------------ features


def test_round_trip_is_bit_exact(tmp_path):
    odd = np.array([0.0, -0.0, 1e-45, np.inf, np.nan, 3.4e38, 0.1, -7], dtype=np.float32)
    with Store(tmp_path) as store:
        store.put(NET, {digest(1): {"pooled": odd}})
        back = store.get(NET, "pooled", [digest(1)])
    assert back.dtype == np.float32
    assert back.shape == (1, 8)
    assert back.tobytes() == odd.tobytes()


def test_rows_that_are_not_contiguous_or_not_float32_are_stored_as_float32(tmp_path):
    table = np.arange(12, dtype=np.float64).reshape(4, 3)
    with Store(tmp_path) as store:
        store.put(NET, {digest(1): {"pooled": table[:, 1]}})
        assert store.get(NET, "pooled", [digest(1)]).tolist() == [[1.0, 4.0, 7.0, 10.0]]


def test_get_keeps_the_order_and_repeats_duplicates(tmp_path):
    fill(tmp_path)
    wanted = [7, 2, 7, 0, 9, 2]
    with Store(tmp_path) as store:
        back = store.get(NET, "pooled", [digest(i) for i in wanted])
    np.testing.assert_array_equal(back, np.stack([vector(i) for i in wanted]))


def test_get_of_nothing_is_empty(tmp_path):
    fill(tmp_path)
    with Store(tmp_path) as store:
        assert store.get(NET, "pooled", []).shape == (0, 8)
        assert store.get("unheard-of", "pooled", []).shape == (0, 0)


def test_get_of_an_absent_row_says_to_run_again(tmp_path):
    fill(tmp_path, 3)
    with Store(tmp_path) as store, pytest.raises(CacheCorrupt, match=r"1 of 4 .*[Rr]un the command again"):
        store.get(NET, "pooled", [digest(i) for i in range(4)])
    with Store(tmp_path) as store, pytest.raises(CacheCorrupt, match="1 of 1"):
        store.get("unheard-of", "pooled", [digest(0)])


def test_missing_is_distinct_and_in_order_of_first_appearance(tmp_path):
    fill(tmp_path, 3)
    with Store(tmp_path) as store:
        asked = [digest(i) for i in (9, 1, 5, 9, 0, 4, 5)]
        assert store.missing(NET, ["pooled"], asked) == [digest(9), digest(5), digest(4)]
        assert store.missing(OTHER, ["pooled"], asked) == [digest(i) for i in (9, 1, 5, 0, 4)]
        assert store.missing(NET, ["pooled"], []) == []


def test_missing_means_lacking_any_of_the_layers(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, rows([0, 1], pooled=8, logits=5))
        store.put(NET, rows([2], pooled=8))
        store.put(NET, rows([3], logits=5))
        asked = [digest(i) for i in range(4)]
        assert store.missing(NET, ["pooled"], asked) == [digest(3)]
        assert store.missing(NET, ["logits"], asked) == [digest(2)]
        assert store.missing(NET, ["pooled", "logits"], asked) == [digest(2), digest(3)]
        assert store.missing(NET, ["pooled", "patches"], asked) == asked
        assert store.get(NET, "logits", asked[:2]).shape == (2, 5)


def test_the_first_value_stays(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, {digest(1): {"pooled": np.ones(4)}})
        store.put(NET, {digest(1): {"pooled": np.zeros(4)}, digest(2): {"pooled": np.full(4, 2)}})
        assert store.get(NET, "pooled", [digest(1), digest(2)]).tolist() == [[1] * 4, [2] * 4]


def test_rows_survive_closing(tmp_path):
    digests = fill(tmp_path / "deep" / "er")
    with Store(tmp_path / "deep" / "er") as store:
        assert store.missing(NET, ["pooled"], digests) == []
        np.testing.assert_array_equal(store.get(NET, "pooled", digests), np.stack([vector(i) for i in range(10)]))


def test_one_layer_has_one_width(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, rows([0], pooled=8))
        with pytest.raises(BadInput, match=r"pooled.*8.*got.*9"):
            store.put(NET, rows([1], pooled=9))
        with pytest.raises(BadInput, match=r"\[d\].*\[2, 4\]"):
            store.put(NET, {digest(2): {"pooled": np.zeros((2, 4))}})
        assert store.missing(NET, ["pooled"], [digest(0), digest(1)]) == [digest(1)]
        store.put(OTHER, rows([1], pooled=9))
    edit(tmp_path, "UPDATE layers SET width = 7 WHERE width = 8")
    with Store(tmp_path) as store, pytest.raises(CacheCorrupt, match=r"pooled.*width.*prune --all"):
        store.get(NET, "pooled", [digest(0)])


def test_put_is_all_or_nothing(tmp_path):
    mixed = rows([0], pooled=8) | rows([1], pooled=9)
    with Store(tmp_path) as store:
        with pytest.raises(BadInput, match="pooled"):
            store.put(NET, mixed)
        assert store.missing(NET, ["pooled"], list(mixed)) == list(mixed)


def test_a_digest_that_is_none_is_refused(tmp_path):
    with Store(tmp_path) as store, pytest.raises(BadInput, match=r"64 hex.*'cats/1.png'"):
        store.missing(NET, ["pooled"], ["cats/1.png"])


def test_fifty_thousand_digests(tmp_path):
    digests = [digest(i) for i in range(50_000)]
    table = np.random.default_rng(0).standard_normal((50_000, 8)).astype(np.float32)
    with Store(tmp_path) as store:
        store.put(NET, {key: {"pooled": row} for key, row in zip(digests[:49_000], table, strict=False)})
        assert store.missing(NET, ["pooled"], digests) == digests[49_000:]
        np.testing.assert_array_equal(store.get(NET, "pooled", digests[48_999::-1]), table[48_999::-1])


# ---------------------------------------------------------------------------------------------- files and scores


def test_files_are_remembered_with_their_facts(tmp_path):
    seen = {
        "a.png|10|5": (digest(1), Facts(64, 32, "P", ("palette expanded", "alpha dropped"))),
        "ünï|1|2": (digest(2), Facts(1, 1, "RGB")),
    }
    with Store(tmp_path) as store:
        store.remember(seen)
    with Store(tmp_path) as store:
        assert store.recall([*seen, "c|0|0"]) == seen
        store.remember({"a.png|10|5": (digest(3), Facts(2, 2, "L"))})
        assert store.recall(["a.png|10|5"]) == {"a.png|10|5": (digest(3), Facts(2, 2, "L"))}
        assert store.recall([]) == {}


def test_many_files_are_recalled(tmp_path):
    seen = {f"{i}.png|1|1": (digest(i), Facts(i, i, "RGB")) for i in range(3000)}
    with Store(tmp_path) as store:
        store.remember(seen)
        assert store.recall(list(seen)) == seen


def test_names_of_files_need_not_be_text(tmp_path):
    stamp = os.fsdecode(b"caf\xe9.png") + "|1|1"
    with Store(tmp_path) as store:
        store.remember({stamp: (digest(1), Facts(1, 1, "RGB"))})
        assert list(store.recall([stamp])) == [stamp]


def test_scores_are_remembered(tmp_path):
    with Store(tmp_path) as store:
        assert store.recall_score("k") is None
        store.remember_score("k", '{"value": 1}')
        store.remember_score("k", '{"value": 2}')
    with Store(tmp_path) as store:
        assert store.recall_score("k") == '{"value": 2}'


def test_a_spoilt_score_or_file_is_not_believed(tmp_path):
    with Store(tmp_path) as store:
        store.remember_score("k", '{"value": 1}')
        store.remember({"a|1|1": (digest(1), Facts(1, 1, "RGB")), "b|1|1": (digest(2), Facts(1, 1, "RGB"))})
    edit(tmp_path, "UPDATE scores SET text = ?", '{"value": 9}')
    edit(tmp_path, "UPDATE files SET digest = ? WHERE stamp = ?", bytes.fromhex(digest(7)), b"a|1|1")
    with Store(tmp_path) as store:
        assert store.recall_score("k") is None
        assert list(store.recall(["a|1|1", "b|1|1"])) == ["b|1|1"]
        assert store.damaged == [Damaged("scores", "k"), Damaged("files", "a|1|1")]
    with Store(tmp_path) as store:
        assert store.verify().damaged == ()


def test_facts_of_another_version_are_forgotten_not_fatal(tmp_path):
    with Store(tmp_path) as store:
        store.remember({"a|1|1": (digest(1), Facts(1, 1, "RGB"))})
        text = json.dumps({"no such fact": 1})
        store._db.insert("files", [(b"a|1|1", bytes.fromhex(digest(1)), text)], replace=True)
        assert store.recall(["a|1|1"]) == {}


# ------------------------------------------------------------------------------------------------- many processes


def test_nothing_committed_is_lost_to_kill_9(tmp_path):
    code = """
with Store(Path(sys.argv[1])) as store:
    for i in range(100_000):
        store.put("net", {digest(i): {"pooled": vector(i)}})
        print(i, flush=True)
"""
    process = start(code, tmp_path)
    printed = [process.stdout.readline() for _ in range(200)]
    os.kill(process.pid, signal.SIGKILL)
    printed += process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == -signal.SIGKILL
    done = [int(line) for line in printed]
    assert len(done) >= 200
    with Store(tmp_path) as store:
        digests = [digest(i) for i in done]
        assert store.missing("net", ["pooled"], digests) == []
        np.testing.assert_array_equal(store.get("net", "pooled", digests), np.stack([vector(i) for i in done]))
        assert store.verify().damaged == ()
    with closing(sqlite3.connect(tmp_path / FILE)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_four_processes_lose_no_row(tmp_path):
    code = """
first = int(sys.argv[2])
with Store(Path(sys.argv[1])) as store:
    for begin in range(first, first + 200, 10):
        wanted = [digest(i) for i in range(begin, begin + 10)]
        store.missing("net", ["pooled"], wanted)
        store.put("net", {digest(i): {"pooled": vector(i)} for i in range(begin, begin + 10)})
        got = store.get("net", "pooled", wanted)
        assert (got == np.stack([vector(i) for i in range(begin, begin + 10)])).all()
"""
    finish([start(code, tmp_path, first) for first in (0, 100, 100, 200)])
    with Store(tmp_path) as store:
        back = store.get("net", "pooled", [digest(i) for i in range(400)])
        np.testing.assert_array_equal(back, np.stack([vector(i) for i in range(400)]))
        assert store.info().extractors[0].images == 400
        assert store.damaged == []


def test_processes_may_create_the_store_at_the_same_moment(tmp_path):
    code = """
root, me, at = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
for turn in range(20):
    while time.time() < at + turn * 0.03:
        pass
    with Store(root / str(turn)) as store:
        store.put("net", {digest(me): {"pooled": vector(me)}})
"""
    finish([start(code, tmp_path, me, time.time() + 0.8) for me in range(3)])
    for turn in range(20):
        with Store(tmp_path / str(turn)) as store:
            assert store.missing("net", ["pooled"], [digest(me) for me in range(3)]) == []


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_opening_waits_while_another_holds_the_new_file(tmp_path, begin):
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None, check_same_thread=False)) as raw:
        raw.execute(begin)
        raw.execute("SELECT * FROM sqlite_master").fetchall()  # its lock stands in the way of the switch to WAL
        release = threading.Timer(0.2, raw.execute, ["COMMIT"])
        release.start()
        fill(tmp_path)
        release.join()


def test_a_locked_store_says_so(tmp_path):
    fill(tmp_path)
    with (
        closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as raw,
        Store(tmp_path, timeout_s=0.1) as store,
    ):
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(GenbenchError, match=r"locked.*0\.1 s.*--cache DIR"):
            store.put(NET, rows([50]))
        raw.execute("ROLLBACK")
        store.put(NET, rows([50]))
        assert store.missing(NET, ["pooled"], [digest(50)]) == []


# --------------------------------------------------------------------------------------------------------- damage


def test_one_flipped_bit_costs_one_row(tmp_path):
    digests = fill(tmp_path)
    flip(tmp_path, digests[4])
    with Store(tmp_path) as store:
        assert store.missing(NET, ["pooled"], digests) == [digests[4]]
        assert store.damaged == [Damaged("features", digests[4], NET, "pooled")]
        assert str(store.damaged[0]) == f"features of {digests[4]} (layer pooled, extractor {NET})"
        store.put(NET, rows([4]))
        np.testing.assert_array_equal(store.get(NET, "pooled", digests), np.stack([vector(i) for i in range(10)]))
        assert store.missing(NET, ["pooled"], digests) == []


def test_get_never_hands_out_a_damaged_row(tmp_path):
    digests = fill(tmp_path)
    flip(tmp_path, digests[4])
    with Store(tmp_path) as store:
        with pytest.raises(CacheCorrupt, match="1 of 10"):
            store.get(NET, "pooled", digests)
        assert store.damaged == [Damaged("features", digests[4], NET, "pooled")]
        assert store.missing(NET, ["pooled"], digests) == [digests[4]]


def test_a_vector_under_another_image_is_damage(tmp_path):
    digests = fill(tmp_path, 2)
    with closing(sqlite3.connect(tmp_path / FILE)) as raw, raw:
        a, b = (bytes.fromhex(key) for key in digests)
        raw.execute("UPDATE features SET digest = zeroblob(32) WHERE digest = ?", (a,))
        raw.execute("UPDATE features SET digest = ? WHERE digest = ?", (a, b))
    with Store(tmp_path) as store:
        assert store.missing(NET, ["pooled"], digests) == digests


def test_verify_finds_and_removes_damage(tmp_path):
    digests = fill(tmp_path)
    flip(tmp_path, digests[2])
    flip(tmp_path, digests[8])
    with Store(tmp_path) as store:
        store.remember_score("k", "{}")
        report = store.verify()
        assert report.checked == 11
        assert report.damaged == tuple(Damaged("features", digests[i], NET, "pooled") for i in (2, 8))
        assert store.missing(NET, ["pooled"], digests) == [digests[2], digests[8]]
        assert store.verify().checked == 9
        assert store.verify().damaged == ()


def test_verify_reaches_every_row(tmp_path):
    digests = fill(tmp_path, 1101)
    for i in (0, 499, 500, 999, 1000, 1100):
        flip(tmp_path, digests[i])
    with Store(tmp_path) as store:
        report = store.verify()
        assert report.checked == 1101
        assert [row.key for row in report.damaged] == [digests[i] for i in (0, 499, 500, 999, 1000, 1100)]


@pytest.mark.parametrize("size", [40, 100, 3000])
def test_a_file_that_is_no_database(tmp_path, size):
    (tmp_path / FILE).write_bytes(np.random.default_rng(0).bytes(size))
    with pytest.raises(CacheCorrupt, match=r"genbench cache prune --all") as caught:
        Store(tmp_path)
    assert str(tmp_path / FILE) in str(caught.value)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_truncated_database(tmp_path, part):
    digests = fill(tmp_path, 2000)
    path = tmp_path / FILE
    os.truncate(path, int(path.stat().st_size * part))

    def use() -> None:
        with Store(tmp_path) as store:
            store.missing(NET, ["pooled"], digests)

    with pytest.raises(CacheCorrupt, match=r"features\.sqlite.*genbench cache prune --all"):
        use()
    assert erase(tmp_path) > 0
    fill(tmp_path)


def test_a_broken_page(tmp_path):
    digests = fill(tmp_path, 2000)
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(3 * 16384)
        file.write(b"\xff" * 16384 * 8)

    def use() -> None:
        with Store(tmp_path) as store:
            store.verify()
            store.missing(NET, ["pooled"], digests)

    with pytest.raises(CacheCorrupt, match=r"features\.sqlite.*genbench cache prune --all"):
        use()


def test_a_newer_schema_is_left_alone(tmp_path):
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as raw:
        raw.execute("PRAGMA user_version = 99")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(CacheCorrupt, match=r"version 99.*[Uu]pgrade genbench"):
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_database_of_another_program_is_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE)) as raw, raw:
        raw.execute("CREATE TABLE recipes (soup TEXT)")
    with pytest.raises(CacheCorrupt, match="version 0"):
        Store(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / FILE).touch()
    fill(tmp_path)


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"--cache DIR.*GENBENCH_CACHE"):
        Store(tmp_path / "file" / "cache")


def test_a_file_that_cannot_be_opened(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(BadInput, match=r"--cache DIR.*GENBENCH_CACHE"):
        Store(tmp_path)


def test_a_full_disk_keeps_what_was_there(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, rows([0], pooled=1280))
        [[pages]] = store._db.run("PRAGMA page_count")
        store._db.run(f"PRAGMA max_page_count = {pages + 2}")  # SQLite's own way to say "disk full"
        with pytest.raises(GenbenchError, match=r"disk is full.*genbench cache prune"):
            store.put(NET, rows(range(1, 100), pooled=1280))
        assert store.missing(NET, ["pooled"], [digest(0), digest(1)]) == [digest(1)]


# --------------------------------------------------------------------------------------------------------- upkeep


def test_info_describes_the_store(tmp_path):
    before = time.time()
    with Store(tmp_path) as store:
        store.put(NET, rows(range(4), pooled=8, logits=5))
        store.put(NET, rows([9], pooled=8))
        store.describe(NET, {"network": "efficientnet-lite0"})
        store.describe(NET, {"network": "something else"})
        store.describe(OTHER, {"network": "none"})
        store.remember({"a|1|1": (digest(1), Facts())})
        store.remember_score("k", "{}")
        info = store.info()
    assert info.path == tmp_path / FILE
    assert info.bytes >= (tmp_path / FILE).stat().st_size > 0
    assert (info.files, info.scores) == (1, 1)
    net, other = info.extractors
    assert (net.fingerprint, net.images, net.bytes) == (NET, 5, 4 * (5 * 8 + 4 * 5))
    assert net.facts == {"network": "efficientnet-lite0"}
    assert before - 1 <= net.used <= time.time()
    assert (other.fingerprint, other.images, other.bytes) == (OTHER, 0, 0)


def test_reading_counts_as_use(tmp_path):
    digests = fill(tmp_path)
    edit(tmp_path, "UPDATE extractors SET used = used - ?", 30 * DAY_S)
    with Store(tmp_path) as store:
        assert time.time() - store.info().extractors[0].used > 29 * DAY_S
        store.get(NET, "pooled", digests)
        assert time.time() - store.info().extractors[0].used < 60


def test_prune_one_extractor_by_prefix(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, rows(range(300), pooled=1280))
        store.put(OTHER, rows(range(100, 301)))
        store.remember({f"{i}|1|1": (digest(i), Facts()) for i in (0, 100)})
        for key, extractor in {"net": NET, "other": OTHER, "none": ""}.items():
            store.remember_score(key, "{}", extractor=extractor)
        assert store.prune(extractor="eff") >= 300 * 1280 * 4
        assert [row.fingerprint for row in store.info().extractors] == [OTHER]
        assert store.missing(NET, ["pooled"], [digest(0)]) == [digest(0)]
        assert store.get(OTHER, "pooled", [digest(300)]).shape == (1, 8)
        assert list(store.recall(["0|1|1", "100|1|1"])) == ["100|1|1"]
        assert [store.recall_score(key) for key in ("net", "other", "none")] == [None, "{}", None]
        assert (tmp_path / FILE).stat().st_size < 300 * 1280 * 4
        store.put(NET, rows([0], pooled=16))  # a pruned extractor may come back, wider


def test_prune_what_was_not_used(tmp_path):
    with Store(tmp_path) as store:
        store.put(NET, rows([0]))
        store.put(OTHER, rows([0]))
    edit(tmp_path, "UPDATE extractors SET used = used - ? WHERE fingerprint = ?", 10 * DAY_S, NET)
    with Store(tmp_path) as store:
        store.prune(unused_days=11)
        assert len(store.info().extractors) == 2
        store.prune(unused_days=9)
        assert [row.fingerprint for row in store.info().extractors] == [OTHER]


def test_prune_refuses_what_it_does_not_understand(tmp_path):
    with Store(tmp_path) as store:
        store.put("net:aa1", rows([0]))
        store.put("net:aa2", rows([0]))
        store.put("net:aa", rows([0]))
        with pytest.raises(BadInput, match=r"3 extractors.*net:aa1.*net:aa2"):
            store.prune(extractor="net:")
        with pytest.raises(UnknownName, match=r"'dino'.*net:aa1"):
            store.prune(extractor="dino")
        with pytest.raises(BadInput, match="extractor or unused_days"):
            store.prune()
        store.prune(extractor="net:aa1", unused_days=3)  # both must hold, and it was used just now
        assert len(store.info().extractors) == 3
        store.prune(extractor="net:aa")  # the exact name wins over longer ones
        assert [row.fingerprint for row in store.info().extractors] == ["net:aa1", "net:aa2"]


@pytest.mark.parametrize("content", [None, b"garbage" * 99, b""], ids=["sound", "garbage", "empty"])
def test_erase_removes_everything(tmp_path, content):
    fill(tmp_path)
    (tmp_path / "mine.txt").touch()
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    size = (tmp_path / FILE).stat().st_size
    assert erase(tmp_path) == size
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert erase(tmp_path) == 0
    assert erase(tmp_path / "nowhere") == 0
    with Store(tmp_path) as store:
        assert store.info().extractors == ()


def test_erase_spares_a_store_in_use(tmp_path):
    digests = fill(tmp_path)
    with Store(tmp_path) as store:
        store.get(NET, "pooled", digests)
        with pytest.raises(GenbenchError, match="another process"):
            erase(tmp_path)
        assert store.missing(NET, ["pooled"], digests) == []
    assert erase(tmp_path) > 0


def test_the_default_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "here"))
    assert default_cache() == tmp_path / "here"
    monkeypatch.setenv("GENBENCH_CACHE", "~/there")
    assert default_cache() == Path.home() / "there"
    for empty in ("", None):
        if empty is None:
            monkeypatch.delenv("GENBENCH_CACHE")
        else:
            monkeypatch.setenv("GENBENCH_CACHE", empty)
        assert default_cache().name == "genbench"
