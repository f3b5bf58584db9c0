"""The data folder of the local stack: whose it is, and that one `tasker dev` at a time uses it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from tasker_tui.dev.errors import StackError

MARKER = "tasker-data"
DATABASE = "postgres"
LOGS = "logs"


def default_data_dir() -> Path:
    """The folder used without `--data-dir`: `dev` in the user's data folder for Tasker."""
    import platformdirs

    return platformdirs.user_data_path("tasker", appauthor=False) / "dev"


class DataFolder:
    """A folder that Tasker made, held under an exclusive lock between `acquire` and `release`.

    The marker file inside says that the folder is ours and carries the lock, so a folder is never ours
    without being lockable. Nothing is written into a folder that holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        """PostgreSQL's own data directory inside the folder."""
        return self.path / DATABASE

    @property
    def logs(self) -> Path:
        """Where each process's output is kept, one file a process."""
        return self.path / LOGS

    def acquire(self) -> None:
        """Make the folder if need be, check that it is ours and take its lock.

        Raises StackError when it cannot be made, holds something else or is in use.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign()
            self._lock = self._take_lock()
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise StackError(
                f"the data folder {self.path} cannot be used: {error.strerror}",
                "choose another with --data-dir DIR",
            ) from error

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _refuse_foreign(self) -> None:
        if (self.path / MARKER).exists() or not any(self.path.iterdir()):
            return
        raise StackError(
            f"{self.path} is not empty and was not made by Tasker, so it is left alone",
            "choose an empty or a new folder with --data-dir DIR",
        )

    def _take_lock(self) -> int:
        handle = os.open(self.path / MARKER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 64).decode(errors="replace").strip()
            os.close(handle)
            raise StackError(
                f"the data folder {self.path} is in use by another tasker dev"
                + (f" ({holder})" if holder else ""),
                "stop that one, or choose another folder with --data-dir DIR",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()}\n".encode(), 0)
        return handle

    def __enter__(self) -> DataFolder:
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self.release()
