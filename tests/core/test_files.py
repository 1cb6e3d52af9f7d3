"""Files that are whole or not there, arrays as bytes, and the lock of a directory."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tme_abm.core import files
from tme_abm.core.errors import InputError

HOLDER = """
import sys, time
from pathlib import Path
from tme_abm.core.files import locked
with locked(Path(sys.argv[1]), "taken"):
    print("locked", flush=True)
    time.sleep(60)
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="directories are not locked there")


@posix
def test_a_lock_keeps_others_out_leaves_no_file_and_ends_with_its_process(tmp_path: Path) -> None:
    assert not files.is_locked(tmp_path)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        assert files.is_locked(tmp_path)
        began = time.monotonic()
        with pytest.raises(InputError, match="someone is at work"), files.locked(tmp_path, "someone is at work"):
            pass
        with pytest.raises(InputError), files.locked(tmp_path, "taken", patience=0.3):
            pass
        assert time.monotonic() - began >= 0.3
        assert list(tmp_path.iterdir()) == []
    finally:
        holder.kill()
        holder.wait()
    with files.locked(tmp_path, "taken"):
        assert files.is_locked(tmp_path)
    assert not files.is_locked(tmp_path)


def test_what_is_not_there_is_not_locked(tmp_path: Path) -> None:
    assert not files.is_locked(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot use the directory"), files.locked(tmp_path / "nowhere", "taken"):
        pass


def test_a_row_is_quoted_where_it_must_be() -> None:
    assert files.csv_line(["a", 1, 0.5, 'x, "y"']) == b'a,1,0.5,"x, ""y"""\n'


@pytest.mark.parametrize("effort", [1, 4])
def test_npz_bytes_depend_on_the_arrays_alone(tmp_path: Path, effort: int) -> None:
    arrays = {
        "b": np.arange(5),
        "field/IFNG": np.ones((2, 3), dtype=np.float32),
        "names": np.array(["a", "µ"]),
        "step": np.array(7),
        "cell/key": np.arange(3 * 7 * 100, dtype=np.uint64).reshape(3, 7, 100) << 33,
        "cell/born": np.linspace(0, 1, 600)[::2],
        "dead": np.ones(1000, dtype=bool),
    }
    content = files.npz_bytes(arrays, effort=effort)
    time.sleep(0.01)
    assert files.npz_bytes(dict(reversed(arrays.items())), effort=effort) == content
    (tmp_path / "x.npz").write_bytes(content)
    back = files.read_npz(tmp_path / "x.npz")
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    for name, values in arrays.items():
        assert (back[name].dtype, back[name].shape) == (values.dtype, values.shape)


def test_what_would_hardly_get_smaller_is_stored_as_it_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random(50_000)
    path = tmp_path / "x.npz"
    path.write_bytes(files.npz_bytes({"noise": noise, "zeros": np.zeros(50_000)}))
    with zipfile.ZipFile(path) as archive:
        stored = {one.filename: one.compress_type == zipfile.ZIP_STORED for one in archive.infolist()}
    assert stored == {"noise.npy": True, "zeros.npy": False}
    assert np.array_equal(files.read_npz(path)["noise"], noise)


def test_a_pickle_is_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        files.npz_bytes({"x": np.array([{}])})
    np.savez(tmp_path / "x.npz", x=np.array([{}]))
    with pytest.raises(InputError, match="damaged"):
        files.read_npz(tmp_path / "x.npz")
