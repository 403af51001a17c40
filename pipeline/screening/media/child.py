"""A process for heavy reading: one task at a time, each in bounded time and memory, whatever the files hold."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from pipeline import errors
from pipeline.errors import BattleplateError, FormatError

MEMORY_BYTES = 8 << 30  # of address space: a file that claims more is broken, or too large to be looked at
Told = Callable[[Any], None]


class Child:
    """Runs functions in a process of its own, started at the first call and again after a fault.

    limit_s: how long it may say nothing; then it is ended, and the caller gets FormatError. patient: others come first.
    """

    def __init__(self, limit_s: float, patient: bool = False) -> None:
        self.limit_s, self.patient = limit_s, patient
        self._alone = threading.Lock()
        self._process: Any = None
        self._pipe: Any = None

    def run(self, task: Callable[..., Any], *args: Any, told: Told | None = None) -> Any:
        """`task(tell, *args)`, a function of a module, with arguments that pickle. `told` gets whatever it tells.

        Raises what the task raised of ours, FormatError when it took too long, too much or its process died.
        """
        with self._alone:
            self._start()
            try:
                self._pipe.send((task, args))
                while True:
                    if not self._pipe.poll(self.limit_s):
                        self._end()
                        raise FormatError(f"nothing was heard for {self.limit_s:g} s. The file may be damaged.")
                    kind, value = self._pipe.recv()
                    if kind == "told":
                        if told:
                            told(value)
                    elif kind == "done":
                        return value
                    else:
                        raise _error(*value)
            except (EOFError, OSError) as error:
                self._end()
                raise FormatError("the process that read it died. The file may be damaged, or too large.") from error

    def close(self) -> None:
        """End the process now, whatever it does."""
        self._end()

    def _start(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        spawn = multiprocessing.get_context("spawn")  # no fork: the server has threads
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, self.patient), daemon=True, name="media")
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(5)
            with contextlib.suppress(OSError):
                self._pipe.close()


def _serve(pipe: Connection, patient: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server ends us
    _bound_memory()
    if patient and hasattr(os, "nice"):
        os.nice(10)
    while True:
        try:
            task, args = pipe.recv()
        except (EOFError, OSError):  # the server is gone
            return
        try:
            answer: tuple[str, Any] = ("done", task(lambda value: pipe.send(("told", value)), *args))
        except BattleplateError as error:
            answer = ("failed", (type(error).__name__, str(error)))
        except MemoryError:
            answer = ("failed", ("FormatError", "it needs more memory than a picture may. The file may be damaged."))
        except Exception as error:  # a bug of ours in a child must not be silence
            answer = ("failed", ("FormatError", f"it could not be shown ({type(error).__name__}: {error})."))
        try:
            pipe.send(answer)
        except OSError:
            return


def _bound_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):  # not every system bounds it
        return


def _error(kind: str, message: str) -> BattleplateError:
    made = getattr(errors, kind, FormatError)(message)
    return made if isinstance(made, BattleplateError) else FormatError(message)
