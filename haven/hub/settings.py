"""What a hub is run with, and where its sockets lie. Written by the launcher, read by the hub's own processes."""

import hashlib
import os
import sys
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from haven.errors import Code, Refused
from haven.hub.sandbox import Mode

SETTINGS_VARIABLE = "HAVEN_HUB_SETTINGS"
HOME_VARIABLE = "HAVEN_HUB_HOME"  # marks every process of a hub with the home it serves, so that a later start can find stale ones


class HubSettings(BaseModel):
    """One hub. `project` is the checkout: it holds node_modules, deploy/ and notebooks/. Sizes are megabytes, times seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    project: Path
    kernel_venv: Path
    config_file: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    mode: Mode = Field(default_factory=lambda: Mode.ROOT if os.geteuid() == 0 else Mode.USER_NAMESPACE)
    memory_mb: int = Field(default=2048, ge=256)
    processes: int = Field(default=512, ge=64)
    cpus: float = Field(default=1.0, gt=0)
    home_mb: int = Field(default=1024, ge=16)
    scratch_mb: int = Field(default=256, ge=16)
    kernel_idle_seconds: int = Field(default=3600, ge=60)
    server_idle_seconds: int = Field(default=7200, ge=60)
    first_uid: int = Field(default=210_000, ge=100_000)
    service_command: tuple[str, ...]

    @classmethod
    def for_home(cls, home: Path, **chosen: object) -> "HubSettings":
        """Settings for the haven at `home` with the project this code belongs to; `chosen` overrides any field."""
        project = Path(__file__).resolve().parents[2]
        service = (sys.executable, "-m", "haven.cli.main", "service", "--home", str(home))
        fields: dict[str, object] = {
            "home": home,
            "project": project,
            "kernel_venv": project / ".venv-kernel",
            "config_file": project / "deploy" / "jupyterhub_config.py",
            "service_command": service,
        }
        return cls.model_validate(fields | chosen)

    @classmethod
    def load(cls, file: Path) -> "HubSettings":
        """Settings as the launcher wrote them."""
        return cls.model_validate_json(file.read_text())

    @property
    def places(self) -> "Places":
        """Where this hub's sockets and files lie."""
        return Places(self.home)

    @property
    def address(self) -> str:
        """What a person types into the browser."""
        return f"http://{self.host}:{self.port}"

    @property
    def notebooks(self) -> Path | None:
        """The project's notebooks, if it has any."""
        folder = self.project / "notebooks"
        return folder if folder.is_dir() else None

    @property
    def walls(self) -> str:
        """The sandbox's strength in a phrase, shown wherever a sandbox is started."""
        if self.mode is Mode.ROOT:
            return "full sandbox: own user id, memory, process, CPU and disk limits"
        return "weaker sandbox: user namespace without root; one shared user id, limits per process only, no disk quota"


class Places:
    """The layout of a hub's run-time directory, all of it 0700.

    URLs of Unix sockets lower-case what they hold and a socket's path may be 107 bytes long at most, so processes reach the directory by
    `alias`, a short lower-case symbolic link that only this user can make.
    """

    def __init__(self, home: Path) -> None:
        self.run = home / "run"
        self.state = home / "hub"
        digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
        folder = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp")  # noqa: S108 - ownership is checked in make_alias
        self.alias = Path(folder, f"haven-{os.geteuid()}-{digest}")
        self.cgroup = f"haven-{digest}"

    @property
    def hub_socket(self) -> Path:
        """The hub's own API."""
        return self.alias / "hub.sock"

    @property
    def proxy_socket(self) -> Path:
        """The proxy's API."""
        return self.alias / "proxy.sock"

    @property
    def service_socket(self) -> Path:
        """The mediator and the pages."""
        return self.alias / "mediator.sock"

    @property
    def gateway_socket(self) -> Path:
        """Where the spawner tells the gateway to open and close a sandbox's way out."""
        return self.alias / "gateway.sock"

    @property
    def gateway_key(self) -> Path:
        """The secret by which the service knows that a request came through the gateway."""
        return self.run / "gateway.key"

    @property
    def settings_file(self) -> Path:
        """The settings of the running hub."""
        return self.run / "hub-settings.json"

    @property
    def lock(self) -> Path:
        """Held as long as a hub runs on this home."""
        return self.run / "hub.lock"

    def sandbox(self, uid: int) -> Path:
        """Files of one running sandbox; only its `gateway` and `etc` are seen inside."""
        return self.alias / "sandboxes" / str(uid)

    def make_alias(self) -> None:
        """Point the alias at the run-time directory. Refused where someone else holds that name."""
        if self.alias.is_symlink() and self.alias.lstat().st_uid == os.geteuid():
            self.alias.unlink()
        try:
            self.alias.symlink_to(self.run.resolve())
        except OSError as taken:
            raise Refused(
                Code.HOME_INVALID,
                "The hub's run-time directory cannot be reached by a short name.",
                "Set XDG_RUNTIME_DIR to a directory of your own, or remove the file in the way.",
            ) from taken

    def drop_alias(self) -> None:
        """Take the alias away."""
        if self.alias.is_symlink():
            self.alias.unlink()


def socket_url(socket: Path) -> str:
    """The http+unix URL of a Unix socket."""
    return "http+unix://" + quote(str(socket), safe="")
