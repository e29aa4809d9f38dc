import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from landscape_cli.errors import BusyError
from landscape_cli.files import forget_parts, only_writer, read_bytes, replacing, sha256, write_text


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
    assert path.read_text() == "half"
    assert os.listdir(path.parent) == ["a.txt"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text(str(1 / 0))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_kill_leaves_goes_with_the_next_writing(tmp_path: Path) -> None:
    path = tmp_path / "epoch_0001.pt"
    code = (
        "import os, signal, sys; from pathlib import Path; from landscape_cli.files import replacing\n"
        "with replacing(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert not left.match("*.pt")  # nothing takes it for a checkpoint
    write_text(path, "whole")
    assert os.listdir(tmp_path) == ["epoch_0001.pt"]


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    code = (
        "import sys; from pathlib import Path; from landscape_cli.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as part: part.write_text('slow'); print(flush=True); input()"
    )
    line = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        forget_parts(tmp_path)
        write_text(path, "fast")
        assert len(os.listdir(tmp_path)) == 2
        other.communicate("\n")
    assert (other.returncode, path.read_text()) == (0, "slow")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    for target in ("there.txt", "new/folder/there.txt"):
        link = tmp_path / "link.txt"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        write_text(link, target)
        assert link.is_symlink()
        assert (tmp_path / target).read_text() == target


def test_links_in_a_circle_are_an_error_of_the_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="Too many levels"), only_writer(one):
        raise AssertionError
    with pytest.raises(OSError, match="Too many levels"):
        write_text(one, "")


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no plain file"):
        read_bytes(tmp_path / "pipe", 10)
    write_text(tmp_path / "a.txt", "eleven byte")
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_bytes(tmp_path / "a.txt", 10)
    assert read_bytes(tmp_path / "a.txt", 11) == b"eleven byte"


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    write_text(tmp_path / "a.txt", "")
    os.umask(umask)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_sha256_of_nothing(tmp_path: Path) -> None:
    write_text(tmp_path / "empty", "")
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_refused_writer_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), only_writer(tmp_path / "a" / "b" / "s.h5"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder in which nobody can make a file")
def test_a_lock_that_cannot_be_made_is_not_one_that_is_held() -> None:
    with pytest.raises(OSError, match=r"\.lock") as refused, only_writer(Path("/proc/x.h5")):
        pass
    assert not isinstance(refused.value, BusyError)
