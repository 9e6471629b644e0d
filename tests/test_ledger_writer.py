"""Writing: disks that fail, hang and recover, forks, threads and many processes."""

import errno
import gc
import os
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ledger_samples import device, lines_of, record, running, write_lines

from jupyter_green.ledger import LedgerWriter, new_session, read_ledger
from jupyter_green.ledger.lines import encode_line
from jupyter_green.ledger.sink import Sink


class Disk:
    """A disk that can be full, cut lines short, or hang."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.room: int | None = None
        self.answers = threading.Event()
        self.answers.set()

    def write(self, fd: int, data: bytes) -> int:
        """Write as far as the disk's state allows."""
        self.answers.wait(30)
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        if self.room is None:
            return os.write(fd, data)
        piece = data[: self.room]
        self.room -= len(piece)
        return os.write(fd, piece)


def writer_on(
    folder: Path, disk: Disk | None = None, told: list[str] | None = None
) -> LedgerWriter:
    """Return a writer whose warnings are collected in *told*."""
    return LedgerWriter(
        folder,
        new_session(host="h" * 32),
        on_problem=None if told is None else told.append,
        write=(disk or Disk()).write,
    )


def ids(folder: Path) -> list[str]:
    """Return the ids of all records, once there is no problem."""
    ledger = read_ledger([folder])
    assert ledger.problems == ()
    return [r.id for r in ledger.records]


def test_nothing_is_created_before_the_first_line(tmp_path: Path) -> None:
    """A session that meters nothing leaves no trace; files are the user's alone."""
    folder = tmp_path / "deep" / "ledger"
    writer = writer_on(folder)
    assert writer.flush()
    assert not folder.exists()
    writer.start(running())
    assert writer.flush()
    assert list(folder.iterdir()) == [writer.path]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600
    assert writer.session.pid == os.getpid()
    assert writer.close()
    # GIVEN a closed writer THEN a later line opens it anew
    writer.end(record())
    assert writer.close()
    assert ids(folder) == ["r1"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_failing_disk_gives_one_warning_and_loses_nothing(
    tmp_path: Path, error: int
) -> None:
    """Ends are kept in memory and written when the disk recovers."""
    disk, told = Disk(), list[str]()
    writer = writer_on(tmp_path / "ledger", disk, told)
    writer.end(record("before"))
    assert writer.flush()
    disk.error = error
    for number in range(5):
        writer.start(running(f"r{number}"))
        writer.heartbeat(f"r{number}", 1.0, (device(),))
        writer.end(record(f"r{number}"))
    assert not writer.flush()
    assert len(told) == 1
    assert os.strerror(error) in told[0]
    assert writer.problem == told[0]
    assert writer.unsaved == 5
    disk.error = None
    writer.end(record("after"))
    assert writer.flush()
    assert (writer.problem, writer.unsaved, len(told)) == ("", 0, 1)
    assert sorted(ids(tmp_path / "ledger")) == sorted(
        ["before", "after", *(f"r{n}" for n in range(5))]
    )
    writer.close()


def test_a_full_disk_cuts_one_line_and_no_more(tmp_path: Path) -> None:
    """The half line is reported, the record is written again as a whole."""
    disk, told = Disk(), list[str]()
    writer = writer_on(tmp_path, disk, told)
    writer.end(record("before"))
    assert writer.flush()
    disk.room = 100
    writer.end(record("cut"))
    assert not writer.flush()
    disk.room = None
    writer.end(record("after"))
    assert writer.close()
    ledger = read_ledger([tmp_path])
    assert {r.id for r in ledger.records} == {"before", "cut", "after"}
    assert [p.line for p in ledger.problems] == [4]
    assert len(told) == 1


def test_a_context_can_be_cut_too(tmp_path: Path) -> None:
    """It is written again as a whole before the line that needs it."""
    disk, told = Disk(), list[str]()
    writer = writer_on(tmp_path, disk, told)
    writer.end(record("before"))
    assert writer.flush()
    disk.room = 100
    elsewhere = record("cut", intensity=None)
    writer.end(elsewhere)
    assert not writer.flush()
    disk.room = None
    assert writer.close()
    ledger = read_ledger([tmp_path])
    assert {r.id: r for r in ledger.records}["cut"] == elsewhere
    assert [p.line for p in ledger.problems] == [4]


def test_lines_that_outlive_their_file_bring_their_context(tmp_path: Path) -> None:
    """A file that was removed, or opened again, holds all that its lines need."""
    writer = writer_on(tmp_path)
    writer.end(record("gone"))
    assert writer.flush()
    writer.path.unlink()
    writer.end(record("kept"))
    assert writer.close()
    writer.path.write_bytes(writer.path.read_bytes().splitlines(keepends=True)[0])
    writer.end(record("again"))
    assert writer.close()
    assert read_ledger([tmp_path]).records == (record("again"),)


def test_dropped_lines_take_no_context_from_others(tmp_path: Path) -> None:
    """Whatever the disk's trouble makes the writer forget, the rest is complete."""
    disk = Disk()
    disk.error = errno.ENOSPC
    writer = LedgerWriter(
        tmp_path,
        new_session(),
        write=disk.write,
        kept_lines=3,
        on_problem=list[str]().append,
    )
    for number in range(10):
        writer.end(record(f"r{number}"))
    assert not writer.flush()
    disk.error = None
    assert writer.close()
    found = read_ledger([tmp_path])
    assert found.records == tuple(record(f"r{n}") for n in (7, 8, 9))
    assert found.problems == ()


def test_the_first_line_can_be_cut_too(tmp_path: Path) -> None:
    """The session's line is written again before any other."""
    disk = Disk()
    disk.room = 20
    writer = writer_on(tmp_path, disk, [])
    writer.end(record())
    assert not writer.flush()
    disk.room = None
    assert writer.close()
    ledger = read_ledger([tmp_path])
    assert [r.id for r in ledger.records] == ["r1"]
    assert [s.id for s in ledger.sessions] == [writer._session.id]
    assert [p.line for p in ledger.problems] == [1]


def test_a_file_in_the_folders_place_gives_one_warning(tmp_path: Path) -> None:
    """Also where the path is no path at all; when it is free, all is written."""
    place, told = tmp_path / "ledger", list[str]()
    place.write_text("in the way")
    writer = writer_on(place, told=told)
    for number in range(3):
        writer.end(record(str(number)))
    assert not writer.flush()
    assert len(told) == 1
    assert "a file stands in its way" in told[0]
    place.unlink()
    assert writer.close()
    assert sorted(ids(place)) == ["0", "1", "2"]
    odd = writer_on(Path("a\0b"), told=told)
    odd.end(record())
    assert not odd.flush()
    assert len(told) == 2


def test_unsaved_lines_are_bounded_and_the_newest_stay(tmp_path: Path) -> None:
    """A disk that never recovers does not fill the memory."""
    disk = Disk()
    disk.error = errno.EROFS
    writer = LedgerWriter(tmp_path, new_session(), write=disk.write, kept_lines=10)
    for number in range(50):
        writer.end(record(str(number)))
    assert not writer.flush()
    assert writer.unsaved == 10
    disk.error = None
    assert writer.close()
    assert sorted(ids(tmp_path)) == sorted(str(n) for n in range(40, 50))


def test_a_removed_file_is_made_anew(tmp_path: Path) -> None:
    """Lines do not vanish into a file that no folder holds."""
    writer = writer_on(tmp_path / "ledger")
    writer.end(record("r1"))
    assert writer.flush()
    writer.path.unlink()
    (tmp_path / "ledger").rmdir()
    writer.end(record("r2"))
    assert writer.close()
    assert ids(tmp_path / "ledger") == ["r2"]
    assert lines_of(tmp_path / "ledger")[0]["type"] == "session"


def test_a_hanging_disk_stops_no_cell(tmp_path: Path) -> None:
    """Calls return at once, and flushing is bounded."""
    disk = Disk()
    disk.answers.clear()
    writer = writer_on(tmp_path, disk)
    began = time.monotonic()
    for number in range(100):
        writer.end(record(str(number)))
    assert not writer.flush(timeout_s=0.05)
    assert time.monotonic() - began < 5
    disk.answers.set()
    assert writer.close()
    assert len(ids(tmp_path)) == 100


def test_what_json_cannot_hold_is_told_and_skipped(tmp_path: Path) -> None:
    """A wrong value costs its own line only; a raising callback costs nothing."""

    def raises(_sentence: str) -> None:
        raise RuntimeError

    writer = LedgerWriter(tmp_path, new_session(), on_problem=raises)
    writer.end(record(label=object()))
    writer.end(record("r2"))
    assert writer.close()
    assert ids(tmp_path) == ["r2"]


def test_a_warning_may_close_the_writer(tmp_path: Path) -> None:
    """The callback runs in the thread that it would wait for."""
    disk, closed = Disk(), list[bool]()
    disk.error = errno.EIO
    writer = LedgerWriter(
        tmp_path,
        new_session(),
        on_problem=lambda _: closed.append(writer.close()),
        write=disk.write,
    )
    began = time.monotonic()
    writer.end(record())
    while not closed:
        assert time.monotonic() - began < 4
        time.sleep(0.01)
    assert closed == [False]


def test_a_forgotten_writer_loses_nothing(tmp_path: Path) -> None:
    """Lines are written when the writer is collected."""
    for number in range(100):
        writer_on(tmp_path).end(record(str(number)))
    gc.collect()
    assert len(ids(tmp_path)) == 100
    names = [thread.name for thread in threading.enumerate()]
    assert "jupyter_green ledger" not in names


def test_threads_share_a_writer(tmp_path: Path) -> None:
    """Lines of many threads never mix."""
    writer = writer_on(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: writer.end(record(str(n))), range(1000)))
    assert writer.close()
    assert sorted(ids(tmp_path), key=int) == [str(n) for n in range(1000)]
    assert len(list(tmp_path.iterdir())) == 1


def test_an_idle_writer_does_not_wake_up(tmp_path: Path) -> None:
    """Its thread sleeps on the queue, without a timer."""
    writer = writer_on(tmp_path)
    writer.start(running())
    assert writer.flush()
    (thread,) = (t for t in threading.enumerate() if t.name == "jupyter_green ledger")
    status = Path(f"/proc/self/task/{thread.native_id}/status")
    if not status.exists():
        pytest.skip("no /proc")

    def switches() -> list[str]:
        return [x for x in status.read_text().splitlines() if "ctxt_switches" in x]

    time.sleep(0.2)  # it may still be on its way to sleep
    before = switches()
    time.sleep(0.3)
    assert switches() == before
    writer.close()


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that runs *code*."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )


WRITES = """
    import sys
    from pathlib import Path
    from ledger_samples import device, record, running
    from jupyter_green.ledger import LedgerWriter, new_session
    writer = LedgerWriter(Path(sys.argv[1]), new_session())
"""


def test_a_killed_process_leaves_its_last_heartbeat(tmp_path: Path) -> None:
    """After kill -9 the reader reports the run as killed; before it, as running."""
    process = run_python(
        WRITES
        + """
    writer.start(running())
    for beat in range(1, 4):
        writer.heartbeat("r1", 10.0 * beat, (device(100.0 * beat),))
    assert writer.flush()
    print("ready", flush=True)
    import time
    time.sleep(60)
    """,
        str(tmp_path),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (alive,) = read_ledger([tmp_path]).records
    assert (alive.status, alive.energy_j) == ("running", 300.0)
    process.kill()
    # A zombie counts as dead: nobody has waited for the process yet.
    stat_file = Path(f"/proc/{process.pid}/stat")
    while stat_file.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    (killed,) = read_ledger([tmp_path]).records
    process.communicate()
    assert (killed.status, killed.energy_j, killed.duration_s) == ("killed", 300, 30)
    assert read_ledger([tmp_path]).records == (killed,)


def test_what_is_queued_is_written_at_exit(tmp_path: Path) -> None:
    """Neither a flush nor a close is needed, not even for a line given at exit."""
    process = run_python(
        """
    import atexit
    atexit.register(lambda: late.end(record("late")))
    """
        + WRITES
        + """
    atexit.register(lambda: writer.end(record("last")))
    late = LedgerWriter(Path(sys.argv[1]), new_session())
    for number in range(500):
        writer.end(record(str(number)))
    """,
        str(tmp_path),
    )
    process.communicate()
    assert process.returncode == 0
    assert len(ids(tmp_path)) == 502


def test_exit_does_not_wait_for_a_hanging_disk(tmp_path: Path) -> None:
    """The time at exit is bounded."""
    process = run_python(
        WRITES
        + """
    import time
    from jupyter_green.ledger import writer as module
    module.EXIT_TIMEOUT_S = 0.1
    hanging = LedgerWriter(
        Path(sys.argv[1]), new_session(), write=lambda *_: time.sleep(60)
    )
    hanging.end(record())
    """,
        str(tmp_path),
    )
    assert process.wait(20) == 0
    process.communicate()


def test_a_fork_writes_a_file_of_its_own(tmp_path: Path) -> None:
    """The child never writes into its parent's file, and neither loses a line."""
    process = run_python(
        WRITES
        + """
    import os, warnings
    warnings.simplefilter("ignore")
    writer.end(record("parent"))
    children = []
    for number in range(5):
        child = os.fork()
        if not child:
            writer.end(record(f"child{number}"))
            sys.exit()
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    writer.end(record("parent again"))
    """,
        str(tmp_path),
    )
    process.communicate()
    assert process.returncode == 0
    assert len(list(tmp_path.iterdir())) == 6
    ledger = read_ledger([tmp_path])
    assert ledger.problems == ()
    expected = {"parent", "parent again", *(f"child{n}" for n in range(5))}
    assert {r.id for r in ledger.records} == expected
    assert ledger.duplicates == 0
    assert len({session.pid for session in ledger.sessions}) == 6


def test_fifty_processes_write_at_once(tmp_path: Path) -> None:
    """All records are found and no line is damaged."""
    code = (
        WRITES
        + """
    for number in range(20):
        name = f"{sys.argv[2]}-{number}"
        writer.start(running(name))
        writer.heartbeat(name, 1.0, (device(),))
        writer.end(record(name))
    """
    )
    processes = [run_python(code, str(tmp_path), str(n)) for n in range(50)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert len(ids(tmp_path)) == 1000
    assert len(list(tmp_path.iterdir())) == 50


def test_two_sinks_of_one_session_share_its_file(tmp_path: Path) -> None:
    """A line is one append, so even one file takes several writers."""
    session = new_session()
    writers = [LedgerWriter(tmp_path, session) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: [writers[n].end(record(f"{n}-{i}")) for i in range(200)],
                range(4),
            )
        )
    assert all(writer.close() for writer in writers)
    assert len(ids(tmp_path)) == 800
    assert len(list(tmp_path.iterdir())) == 1


def test_closing_may_be_what_tells_of_a_full_disk(tmp_path: Path) -> None:
    """Network disks report a failed write when the file is closed."""
    told: list[str] = []
    sink = Sink(
        tmp_path, new_session(), write=os.write, kept_lines=9, on_problem=told.append
    )
    sink.close()
    sink._open()
    assert sink._fd is not None
    os.close(sink._fd)
    sink.close()
    assert len(told) == 1


def test_a_full_device_is_survived(tmp_path: Path) -> None:
    """The real error of a full disk, as Linux's /dev/full gives it."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    full, told = os.open("/dev/full", os.O_WRONLY), list[str]()
    writer = LedgerWriter(
        tmp_path,
        new_session(),
        on_problem=told.append,
        write=lambda _fd, data: os.write(full, data),
    )
    writer.end(record())
    assert not writer.close()
    os.close(full)
    assert "Free some space" in told[0]
    # The file was created, and holds nothing that a reader would stumble over.
    write_lines(tmp_path / "other.jsonl", encode_line(writer.session))
    assert ids(tmp_path) == []
