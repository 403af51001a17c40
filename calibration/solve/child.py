"""Run one task in a process of its own, so that a crash of native code is an error of ours and never ends the run.

pycolmap brings its own zlib and libpng, installs signal handlers and may deadlock inside them: it is only ever imported
in such a child. The child is `python -m calibration.solve.child MODULE:FUNCTION FOLDER`; what goes in and out lies in FOLDER.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from calibration.solve.nomove import NoMove
from pipeline.errors import CalibrationError
from pipeline.stage import Progress, silent

PROGRESS = "@progress "
REFUSED = "refused.json"  # what the child wrote when it raised an error of ours
_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_child(task: str, folder: Path, timeout_s: float, progress: Progress = silent) -> None:
    """Call the function `task` ("package.module:function") with `folder` in a fresh process and wait.

    Raises CalibrationError when the function does, when the process dies of a signal, and after `timeout_s`.
    """
    environment = dict(os.environ)
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    for name in _THREADED:  # sums of many threads differ from run to run
        environment[name] = "1"
    command = [sys.executable, "-X", "faulthandler", "-m", "calibration.solve.child", task, str(folder)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    last = deque[str](maxlen=12)
    note = "starting"
    try:
        for line in _lines(process, timeout_s):
            if line.startswith(PROGRESS):
                done, total, note = line[len(PROGRESS) :].split(" ", 2)
                progress(int(done), int(total), note)
            else:
                last.append(line)
    finally:
        # Not terminate(): a process that hangs in a native signal handler ignores it.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    _judge(process.returncode, folder, note, list(last))


def report(done: int, total: int, note: str) -> None:
    """Called in the child: tell the parent how far it is."""
    print(f"{PROGRESS}{done} {total} {note}", file=sys.stderr, flush=True)


def import_pycolmap(seed: int) -> Any:
    """Called in the child, and only there: pycolmap with its traps taken out."""
    import zlib  # noqa: F401  Python's own must be loaded before the copy that the wheel exports

    import pycolmap

    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM, signal.SIGFPE, signal.SIGILL, signal.SIGBUS):
        signal.signal(number, signal.SIG_DFL)
    pycolmap.logging.minloglevel = 1
    pycolmap.set_random_seed(seed)
    return pycolmap


def _lines(process: subprocess.Popen[bytes], timeout_s: float) -> Iterator[str]:
    """The child's stderr, line by line, until it ends. Raises CalibrationError when the time is over."""
    lines: queue.Queue[str | None] = queue.Queue()
    stream = process.stderr
    assert stream is not None
    threading.Thread(target=_read, args=(stream, lines), daemon=True).start()
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise CalibrationError(
                f"camera solve: COLMAP was not done after {timeout_s:.0f} s. Solve fewer frames, or give it more time "
                "with --set solve_camera.timeout_s=7200."
            ) from None
        if line is None:
            process.wait()
            return
        yield line


def _read(stream: IO[bytes], lines: queue.Queue[str | None]) -> None:
    with suppress(ValueError, OSError):
        for line in stream:
            lines.put(line.decode(errors="replace").rstrip())
    lines.put(None)


def _judge(code: int, folder: Path, note: str, last: list[str]) -> None:
    if code == 0:
        return
    refused = folder / REFUSED
    if refused.exists():
        said = json.loads(refused.read_text())
        raise (NoMove if said["no_move"] else CalibrationError)(said["message"])
    if code < 0:
        name = signal.Signals(-code).name
        raise CalibrationError(
            f"camera solve: COLMAP's process died of {name} while {note}. Run again; if it dies again, free memory or "
            "mask what is soft or moving, and report the plate."
        )
    words = next((line for line in reversed(last) if line.strip()), "nothing")
    raise CalibrationError(f"camera solve: COLMAP's process failed while {note}: {words[:200]}. Report this plate.")


def _leave_with_parent() -> None:
    """End this process when the parent is gone: its end of our stdin closes then, even after kill -9."""

    def watch() -> None:
        os.read(0, 1)  # not sys.stdin: its lock, held by a thread, aborts the interpreter's shutdown
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """The child's side: call the named function; an error of ours is written down for the parent."""
    task, folder = sys.argv[1], Path(sys.argv[2])
    _leave_with_parent()
    module, function = task.split(":")
    try:
        getattr(importlib.import_module(module), function)(folder)
    except CalibrationError as error:
        (folder / REFUSED).write_text(json.dumps({"message": str(error), "no_move": isinstance(error, NoMove)}))
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Past the interpreter's shutdown, where the wheel's own copies of shared libraries have crashed.
    os._exit(code)
