"""Programs that work for this one."""

import contextlib
import subprocess

from . import places


class Worker(subprocess.Popen):
    """A program that does not outlive the block it works in, as far as that can be had.

    Left by an exception (Ctrl-C, say), it is told to end and waited for. When this process is
    killed, it keeps the locks it works under until it ends.
    """

    def __init__(self, command: list, **kwargs):
        super().__init__(command, pass_fds=places.HELD_LOCKS, **kwargs)

    def __exit__(self, kind, value, traceback):
        if kind:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(timeout=10)
            self.kill()
        super().__exit__(kind, value, traceback)
