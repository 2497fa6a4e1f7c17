"""The compiled kernel's library: built once a machine by its own C compiler, never required.

It is kept in a private folder of this user, `$XDG_CACHE_HOME/model_refresh` (else `~/.cache`),
under a name that holds the source, the compiler, the flags and the machine. A file is loaded only
where folder and file belong to this user, nobody else may write them, and the bytes match the
digest at their end; what is loaded is the very file that was read. `MODEL_REFRESH_KERNEL=off`
switches it off; an absolute path there is where it is kept instead, so that an image without a
compiler may bring it along: in a folder of this user or of root that nobody else may write.
"""

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

_SOURCES = tuple(
    Path(__file__).with_name(f"trees{part}")
    for part in (".c", "_model.h", "_build.h", "_steps.h", "_masks.h", "_shapley.h")
)
_FLAGS = ("-O3", "-std=c11", "-shared", "-fPIC", "-ffp-contract=off", "-fno-fast-math")
_SWITCH = "MODEL_REFRESH_KERNEL"
_DEADLINE_SECONDS = 120
_DIGEST_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITERS = stat.S_IWGRP | stat.S_IWOTH
_DESCRIPTORS = Path("/proc/self/fd")
_log = logging.getLogger("model_refresh.kernel")


class NoKernel(Exception):
    """Why there is no compiled kernel; pure Python serves."""


def library(*, build: bool = True) -> ctypes.CDLL | None:
    """The loaded library; None where it is switched off or can't be had, and the log says why.

    Without `build`, None too where it was not built before. What failed once is not tried again by
    this process.
    """
    switch = os.environ.get(_SWITCH, "")
    if switch.lower() == "off":
        return None
    path = Path(switch) if Path(switch).is_absolute() else _own_path()
    if isinstance(path, Path) and not build and not path.exists():
        return None
    found = _tried(path) if isinstance(path, Path) else path
    if isinstance(found, NoKernel):
        _tell_once(str(found))
        return None
    return found


@functools.cache
def _own_path() -> Path | NoKernel:
    """Where the library of this machine is kept, or why it can't be had."""
    try:
        return _path()
    except NoKernel as reason:
        return reason


@functools.cache
def _tried(path: Path) -> ctypes.CDLL | NoKernel:
    """The library of this path, built where it is missing, or why it can't be had."""
    try:
        return _loaded(path)
    except NoKernel as reason:
        return reason


def _path() -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoKernel("there is no C compiler (cc)")
    version = run([compiler, "--version"], seconds=10)
    machine = f"{platform.system()} {platform.machine()}"
    told = "\n".join([version, *_FLAGS, machine, *(path.read_text() for path in _SOURCES)])
    return _folder() / f"kernel-{hashlib.sha256(told.encode()).hexdigest()}.so"


def _loaded(path: Path) -> ctypes.CDLL:
    _require_safe(path.parent)
    file = _opened(path)
    if file is None:
        _build(path)
        file = _opened(path)
        if file is None:
            raise NoKernel(f"{path} isn't what was just built")
    try:
        return ctypes.CDLL(str(_DESCRIPTORS / str(file) if _DESCRIPTORS.is_dir() else path))
    except OSError as error:
        os.close(file)
        raise NoKernel(f"{path} can't be loaded: {error}") from error


def _require_safe(folder: Path) -> None:
    """Raises NoKernel where others could put a file into the folder."""
    try:
        found = folder.lstat()
    except OSError as error:
        raise NoKernel(f"there is no place to keep a library: {error}") from error
    is_known = stat.S_ISDIR(found.st_mode) and found.st_uid in {0, os.geteuid()}
    if not is_known or found.st_mode & _WRITERS:
        raise NoKernel(f"{folder} must be a folder of this user or of root that no other may write")


def _folder() -> Path:
    """The private folder; made where it is missing."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "model_refresh"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except (OSError, RuntimeError) as error:
        raise NoKernel(f"there is no place to keep a library: {error}") from error
    if not stat.S_ISDIR(found.st_mode) or not _is_private(found, _OTHERS):
        raise NoKernel(f"{folder} must be a folder of this user with mode 700")
    return folder


def _opened(path: Path) -> int | None:
    """A descriptor of the file, if that is this user's own and whole; it is to be loaded by it.

    It stays open while the library is used: the loader knows libraries by name, so the number must
    not become another file's.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if _is_ours(file):
        return file
    os.close(file)
    return None


def _is_ours(file: int) -> bool:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or not _is_private(found, _WRITERS):
        return False
    with os.fdopen(file, "rb", closefd=False) as opened:
        data = opened.read()
    return hashlib.sha256(data[:-_DIGEST_BYTES]).digest() == data[-_DIGEST_BYTES:]


def _is_private(found: os.stat_result, forbidden: int) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & forbidden


def _build(path: Path) -> None:
    """Compile beside it and rename: of several builders each leaves a whole file."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoKernel("there is no C compiler (cc)")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="build-") as folder:
            for source in _SOURCES:
                shutil.copyfile(source, Path(folder) / source.name)
            made = Path(folder) / "kernel.so"
            main = str(Path(folder) / _SOURCES[0].name)
            run([compiler, *_FLAGS, "-o", str(made), main, "-lm"], seconds=_DEADLINE_SECONDS)
            data = made.read_bytes()
            made.write_bytes(data + hashlib.sha256(data).digest())
            made.chmod(0o600)
            made.replace(path)
    except OSError as error:
        raise NoKernel(f"the kernel could not be built: {error}") from error


def run(command: list[str], *, seconds: int) -> str:
    """What the compiler prints; it and what it started are killed at the deadline."""
    known = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=known | {"LC_ALL": "C"},
            start_new_session=True,
        )
    except OSError as error:
        raise NoKernel(f"{command[0]} could not be started: {error}") from error
    with process:
        try:
            told, problems = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise NoKernel(f"{command[0]} took more than {seconds} s") from None
    if process.returncode:
        last = problems.decode(errors="replace").strip().splitlines()[-1:]
        raise NoKernel(f"{command[0]} failed: {' '.join(last)}")
    return told.decode(errors="replace")


@functools.cache
def _tell_once(reason: str) -> None:
    _log.info("no compiled kernel, trees are summed without it: %s", reason)
