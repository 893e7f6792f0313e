"""The first program inside a sandbox: puts the notebooks in place, then serves JupyterLab on the listening socket that was handed in.

It runs in the kernels' environment as the researcher and imports nothing of haven's server. The hub makes and keeps the socket: if the
sandbox made it, a symbolic link in its place would lead the hub's proxy to sockets that only root may open.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser import main


def seed_notebooks(source: Path, target: Path) -> None:
    """Copy each notebook that is not there yet; what the researcher has changed or saved is left alone."""
    if not source.is_dir():
        return
    target.mkdir(exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copyfile(notebook, target / notebook.name)


def adopt_listener(descriptor: int) -> None:
    """Make the server listen on `descriptor` where it would have bound a Unix socket of its own."""

    def serve_on_adopted(self: ServerApp) -> bool:
        listener = socket.socket(fileno=descriptor)
        listener.settimeout(0)
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - kernels and terminals must not hold it
        self.http_server.add_socket(listener)
        return True

    ServerApp._bind_http_server_unix = serve_on_adopted  # type: ignore[method-assign] # noqa: SLF001 - the one seam the server offers


if __name__ == "__main__":
    os.chdir(Path.home())
    seed_notebooks(Path("/opt/haven/notebooks"), Path.home() / "notebooks")
    adopt_listener(int(os.environ.pop("HAVEN_LISTEN_FD")))
    sys.exit(main())
