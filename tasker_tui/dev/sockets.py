"""Folders of Unix sockets: private, and short enough for a socket's address.

For the embedded server the data directory is both, unless its path is too long; only then is there another
folder, which a killed run leaves behind, empty, for the next one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from tasker_tui.dev.errors import StackError

# The kernel takes 107 bytes (macOS: 103), of which `/.s.PGSQL.5432` needs 14.
LONGEST = 85


def socket_dir(database: Path, uid: int) -> Path:
    """The socket folder of the server on `database`, made if need be for the account `uid` (0: our own).

    Raises StackError when no place takes it.
    """
    if _short(database):
        return database
    name = f"tasker-{os.geteuid()}-{hashlib.sha256(str(database).encode()).hexdigest()[:12]}"
    path = private_folder(name, uid or os.geteuid())
    if path is not None:
        return path
    raise StackError(
        "no folder can hold the database's socket: each is missing, too long or somebody else's: "
        + ", ".join(str(place / name) for place in places()),
        "set XDG_RUNTIME_DIR to a short folder of your own",
    )


def private_folder(name: str, owner: int) -> Path | None:
    """A folder of that name that only its owner can enter, made if need be; None when no place takes it."""
    paths = [place / name for place in places()]
    return next((path for path in paths if _short(path) and _make_private(path, owner)), None)


def _short(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST


def places() -> list[Path]:
    """Where folders of sockets are made, the best first."""
    if os.geteuid() == 0:
        return [Path("/run"), Path("/tmp")]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [*([Path(runtime)] if runtime else []), Path("/tmp")]


def _make_private(path: Path, owner: int) -> bool:
    """Make the folder with mode 0700; False when it cannot be or when what is there may be a trap."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        return False
    if found.st_uid != owner:
        try:
            os.chown(path, owner, owner)
        except OSError:
            return False
    return stat.S_IMODE(path.stat().st_mode) == 0o700
