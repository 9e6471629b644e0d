"""A kernel of another language than Python: it says what it is told."""

from __future__ import annotations

from typing import Any, ClassVar

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class EchoKernel(Kernel):
    """Repeats each cell."""

    implementation = "echo"
    implementation_version = "1"
    language_info: ClassVar[dict[str, str]] = {
        "name": "echo",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    }
    banner = "Echo"

    def do_execute(
        self, code: str, silent: bool, *args: Any, **options: Any
    ) -> dict[str, Any]:
        """Write the cell's text."""
        del args, options
        if not silent:
            said = {"name": "stdout", "text": code}
            self.send_response(self.iopub_socket, "stream", said)
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=EchoKernel)
