"""The walls of a sandbox, as data: from what a researcher may see and use to the bubblewrap command that builds exactly that. Pure.

Guaranteed by the command: no network device but an empty loopback; no file of this machine but the system's programs and one Python
environment, read-only; a private /proc, /dev, /tmp and /dev/shm of limited size; no capability; no way to gain one; the way out is one
Unix socket in a read-only directory.

Two modes. ROOT: bubblewrap builds the mounts as root, then setpriv inside becomes a host user id that belongs to this researcher alone.
USER_NAMESPACE, where the hub is not root: all sandboxes share the hub's own user id, so walls between researchers are weaker. Never
`--unshare-user --uid` as root: inside such a namespace the process is still the host's root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from haven.hub.environment import SystemLayout

HOME = "/home/user"
GATEWAY = "/run/haven"
GATEWAY_SOCKET = f"{GATEWAY}/gw.sock"
ENTRY = "/opt/haven/inside.py"
NOTEBOOKS = "/opt/haven/notebooks"
NAMESPACE_UID = 1000

# parts of /etc that say how to draw letters and find libraries, and nothing about this machine
_SHARED_ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts", "/etc/mime.types")
_ROOT_TMPFS_BYTES = 4 << 20
# setpriv needs these three to become the researcher; it then drops them for good
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


class Mode(StrEnum):
    """How the walls are built."""

    ROOT = "root"
    USER_NAMESPACE = "user-namespace"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Everything one sandbox is made of. Paths are the host's; `uid` is the host user id in ROOT mode and not used in the other."""

    mode: Mode
    bwrap: Path
    uid: int
    home: Path
    gateway: Path
    etc: Path
    entry: Path
    layout: SystemLayout
    read_only: tuple[Path, ...]
    notebooks: Path | None
    scratch_bytes: int
    seccomp_fds: tuple[int, ...]


def command(sandbox: Sandbox, program: Sequence[str]) -> list[str]:
    """The full command line that runs `program` inside `sandbox`."""
    return [str(sandbox.bwrap), *_namespaces(sandbox), *_mounts(sandbox), *_filters(sandbox), "--", *_become(sandbox), *program]


def _namespaces(sandbox: Sandbox) -> list[str]:
    """Own process ids, network, IPC, host name and cgroup root; a new session, so that no terminal is shared; death with the hub."""
    arguments = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "haven"]
    arguments += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if sandbox.mode is Mode.ROOT:
        for capability in _CAPABILITIES:
            arguments += ["--cap-add", capability]
        return arguments
    return [*arguments, "--unshare-user", "--disable-userns", "--uid", str(NAMESPACE_UID), "--gid", str(NAMESPACE_UID)]


def _mounts(sandbox: Sandbox) -> list[str]:
    """The file system, in order: a later mount hides an earlier one, so /tmp comes before an environment that may lie below it."""
    scratch = ["--perms", "1777", "--size", str(sandbox.scratch_bytes), "--tmpfs"]
    layout = sandbox.layout
    steps: list[list[str]] = [["--perms", "0755", "--size", str(_ROOT_TMPFS_BYTES), "--tmpfs", "/"], ["--ro-bind", "/usr", "/usr"]]
    steps += [["--symlink", target, link] for link, target in layout.links]
    steps += [["--ro-bind", path, path] for path in layout.directories]
    steps += [["--ro-bind-try", path, path] for path in _SHARED_ETC]
    steps += [[*scratch, "/tmp"]]  # noqa: S108 - the sandbox's own /tmp
    steps += [["--ro-bind", str(path), str(path)] for path in sandbox.read_only]
    steps += [["--ro-bind", str(sandbox.etc / name), f"/etc/{name}"] for name in ETC_FILES]
    steps += [["--ro-bind", str(sandbox.etc / "jupyter"), "/etc/jupyter"]]
    steps += [["--proc", "/proc"], ["--dev", "/dev"], [*scratch, "/dev/shm"]]  # noqa: S108 - the same
    steps += [["--bind", str(sandbox.home), HOME], ["--ro-bind", str(sandbox.gateway), GATEWAY], ["--ro-bind", str(sandbox.entry), ENTRY]]
    if sandbox.notebooks is not None:
        steps += [["--ro-bind", str(sandbox.notebooks), NOTEBOOKS]]
    steps += [["--remount-ro", "/"], ["--chdir", "/"]]  # the home is 0700: only the researcher may enter it, later
    return _with_open_parents(steps)


def _with_open_parents(steps: Sequence[Sequence[str]]) -> list[str]:
    """Before each bind, make its missing parents 0755: bwrap would make them 0700 for itself, and the researcher could not pass."""
    arguments: list[str] = []
    present = {"/", "/tmp", "/dev", "/proc", "/usr"}  # noqa: S108 - mount points of the sandbox
    for step in steps:
        if step[0] in {"--bind", "--ro-bind", "--ro-bind-try"} and not step[2].startswith("/usr/"):
            for parent in reversed([str(path) for path in PurePosixPath(step[2]).parents]):
                if parent not in present:
                    present.add(parent)
                    arguments += ["--perms", "0755", "--dir", parent]
        arguments += step
    return arguments


def _filters(sandbox: Sandbox) -> list[str]:
    """Both system call filters."""
    return [argument for fd in sandbox.seccomp_fds for argument in ("--add-seccomp-fd", str(fd))]


def _become(sandbox: Sandbox) -> list[str]:
    """In ROOT mode, drop to the researcher's own host user id with every capability gone from every set."""
    if sandbox.mode is Mode.USER_NAMESPACE:
        return []
    uid = str(sandbox.uid)
    identity = ["--reuid", uid, "--regid", uid, "--clear-groups"]
    return ["/usr/bin/setpriv", *identity, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]


ETC_FILES = ("passwd", "group", "hosts", "nsswitch.conf", "resolv.conf")


def etc_files(uid: int) -> dict[str, str]:
    """A synthetic /etc: one user, one host, no resolver. The researcher's name is not in it."""
    return {
        "passwd": f"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nuser:x:{uid}:{uid}:researcher:{HOME}:/bin/bash\n",
        "group": f"root:x:0:\nuser:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost haven\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "resolv.conf": "",
    }
