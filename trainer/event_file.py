"""The file behind an event log: lines wait in memory for at most 50 ms and are appended whole, by a thread of its own."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import threading
import time
import weakref
from pathlib import Path

FLUSH_S = 0.05
# A disk that does not keep up holds up the training in the end, before the lines fill the memory.
MAX_WAITING = 50_000


class LineFile:
    """`append` costs the caller microseconds; `flush` returns when everything is written. Both may be called from any thread.

    The first line after a pause is written at once, further ones 50 ms after it. `num_lines` counts the lines that were taken and
    not lost. Lines are lost only with an error, which the next call raises. The file belongs to the process that opened it: a fork of
    it (a data loader's worker) inherits no waiting lines and is refused.
    """

    def __init__(self, path: Path, num_lines: int = 0, doorbell: int | None = None) -> None:
        """`doorbell` is a file descriptor that gets a byte after each flush."""
        self.path, self.num_lines, self.doorbell = path, num_lines, doorbell
        self.file = path.open("ab", buffering=0)
        self.waiting: list[bytes] = []
        self.error: Exception | None = None
        self.thread: threading.Thread | None = None
        self.make_locks()
        if doorbell is not None:
            os.set_blocking(doorbell, False)
            os.set_inheritable(doorbell, False)
        atexit.register(self.close)
        opened.add(self)

    def make_locks(self) -> None:
        """Whoever needs both locks takes `writing` first."""
        self.lock, self.writing = threading.Lock(), threading.Lock()
        self.bell = threading.Lock()  # held while there is nothing to do; a semaphore that costs no Python
        self.bell.acquire()
        self.is_idle = True

    def append(self, line: bytes) -> None:
        """Takes a line that ends in a newline; the caller holds `lock`."""
        if self.error:
            self.complain()
        self.waiting.append(line)
        self.num_lines += 1
        if self.is_idle:
            self.wake()

    def complain(self) -> None:
        error = self.error
        assert error
        if not self.file.closed:
            self.error = None
        raise error

    def wake(self) -> None:
        self.is_idle = False
        if self.thread is None:
            self.thread = threading.Thread(target=self.flush_on, name="events", daemon=True)
            self.thread.start()
        self.bell.release()

    def flush_on(self) -> None:
        while not self.file.closed:
            self.bell.acquire()
            while self.flush_waiting():
                time.sleep(FLUSH_S)

    def flush_waiting(self) -> bool:
        """Returns False when there was nothing to write. An error is kept for the next caller."""
        with self.writing:
            with self.lock:
                lines, self.waiting = self.waiting, []
                self.is_idle = not lines
            if lines:
                try:
                    self.write(lines)
                except OSError as error:
                    with self.lock:
                        self.lose(lines, error)
        return bool(lines)

    def flush(self) -> None:
        with self.writing, self.lock:
            self.flush_held()

    def flush_held(self) -> None:
        """Writes all that waits; the caller holds both locks."""
        lines, self.waiting = self.waiting, []
        if lines and not self.error:
            try:
                self.write(lines)
            except OSError as error:
                self.lose(lines, error)
        if self.error:
            self.complain()

    def lose(self, lines: list[bytes], error: OSError) -> None:
        """Gives up what was not written and what has come since, so that the file has no gap; the next attempt makes it again."""
        written = error.args[-1] if isinstance(error, NotAllWritten) else 0
        self.num_lines -= len(lines) - written + len(self.waiting)
        self.waiting, self.error = [], OSError(error.errno, os.strerror(error.errno or errno.EIO), str(self.path))

    def write(self, lines: list[bytes]) -> None:
        """A full disk may take a part: whole lines of it stay, half a line is cut off again, for another line may follow."""
        data = b"".join(lines)
        before = os.fstat(self.file.fileno()).st_size
        written = self.file.write(data) or 0
        if written < len(data):
            whole = data.rfind(b"\n", 0, written) + 1
            self.file.truncate(before + whole)
            raise NotAllWritten(errno.ENOSPC, data.count(b"\n", 0, whole))
        self.ring()

    def ring(self) -> None:
        """A full pipe has rung already; one that nobody reads any more is left alone."""
        if self.doorbell is not None:
            try:
                os.write(self.doorbell, b"\n")
            except BlockingIOError:
                pass
            except OSError:
                self.doorbell = None

    def close(self) -> None:
        """Writes what waits, and all of it to the disk. Raises the error that kept a line from being written."""
        atexit.unregister(self.close)
        if self.file.closed:
            return
        try:
            self.flush()
            os.fsync(self.file.fileno())
        finally:
            with self.writing, self.lock:
                self.file.close()
                self.error = ValueError("the event log is closed")
            with contextlib.suppress(RuntimeError):
                self.bell.release()

    def disown(self) -> None:
        """In a fork: the lines are the parent's to write."""
        self.waiting, self.thread = [], None
        self.make_locks()
        self.file.close()
        self.error = RuntimeError("an event log belongs to the process that opened it")
        atexit.unregister(self.close)


class NotAllWritten(OSError):
    """`args` are the system's number for the reason and how many lines were written whole."""


opened: weakref.WeakSet[LineFile] = weakref.WeakSet()


def disown_all() -> None:
    for each in opened:
        each.disown()


os.register_at_fork(after_in_child=disown_all)
