# ruff: noqa: S108 - paths inside a sandbox
"""The walls as data: what the bubblewrap command holds for each mode, and in which order."""

from dataclasses import replace
from pathlib import Path

from haven.hub.environment import SystemLayout
from haven.hub.sandbox import ETC_FILES, Mode, Sandbox, command, etc_files

WALLS = Sandbox(
    mode=Mode.ROOT,
    bwrap=Path("/opt/bwrap"),
    uid=210_007,
    home=Path("/home-of/7"),
    gateway=Path("/run-of/7/gateway"),
    etc=Path("/run-of/7/etc"),
    entry=Path("/haven/inside.py"),
    layout=SystemLayout(links=(("/bin", "usr/bin"),), directories=("/lib64",)),
    read_only=(Path("/root/python"), Path("/tmp/deep/venv")),
    notebooks=Path("/haven/notebooks"),
    scratch_bytes=64 << 20,
    seccomp_fds=(7, 8),
)


def pairs(arguments: list[str], option: str) -> list[tuple[str, str]]:
    return [(arguments[at + 1], arguments[at + 2]) for at, word in enumerate(arguments) if word == option]


def test_root_mode_drops_to_the_researchers_own_user_id_without_any_capability() -> None:
    built = command(WALLS, ["python", "inside.py"])
    tail = built[built.index("/usr/bin/setpriv") :]
    assert tail[:5] == ["/usr/bin/setpriv", "--reuid", "210007", "--regid", "210007"]
    assert {"--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"} <= set(tail)
    assert tail[-2:] == ["python", "inside.py"]
    assert [built[at + 1] for at, word in enumerate(built) if word == "--cap-add"] == ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"]
    assert "--unshare-user" not in built


def test_without_root_there_is_a_user_namespace_that_can_make_no_other() -> None:
    built = command(replace(WALLS, mode=Mode.USER_NAMESPACE), ["python"])
    assert {"--unshare-user", "--disable-userns"} <= set(built)
    assert "--cap-add" not in built
    assert "/usr/bin/setpriv" not in built


def test_every_mode_has_own_processes_network_messages_and_a_death_with_the_hub() -> None:
    for mode in Mode:
        built = command(replace(WALLS, mode=mode), [])
        assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"} <= set(built)
        assert built[built.index("--cap-drop") + 1] == "ALL"
        assert [built[at + 1] for at, word in enumerate(built) if word == "--add-seccomp-fd"] == ["7", "8"]


def test_only_the_home_is_writable_of_what_is_bound() -> None:
    built = command(WALLS, [])
    assert pairs(built, "--bind") == [("/home-of/7", "/home/user")]
    bound = {target for _, target in pairs(built, "--ro-bind")}
    assert bound >= {"/usr", "/root/python", "/tmp/deep/venv", "/run/haven", "/opt/haven/inside.py", "/opt/haven/notebooks", "/etc/jupyter"}
    assert bound >= {f"/etc/{name}" for name in ETC_FILES}


def test_the_private_tmp_comes_before_what_lies_below_it() -> None:
    built = command(WALLS, [])
    assert built.index("/tmp") < built.index("/tmp/deep/venv")


def test_parents_of_bound_paths_can_be_entered() -> None:
    built = command(WALLS, [])
    opened = [built[at + 3] for at, word in enumerate(built) if word == "--perms" and built[at + 1 : at + 3] == ["0755", "--dir"]]
    assert {"/root", "/tmp/deep", "/run", "/home", "/opt", "/opt/haven", "/etc"} <= set(opened)
    assert built.index("/tmp/deep") < built.index("/tmp/deep/venv")


def test_the_root_is_made_read_only_last_and_the_home_is_not_entered_from_outside() -> None:
    built = command(WALLS, [])
    assert built.index("--remount-ro") > max(at for at, word in enumerate(built) if word in {"--ro-bind", "--bind", "--tmpfs"})
    assert built[built.index("--chdir") + 1] == "/"


def test_scratch_has_a_size() -> None:
    built = command(WALLS, [])
    sizes = {built[at + 1]: built[at - 1] for at, word in enumerate(built) if word == "--tmpfs"}
    assert sizes == {"/": str(4 << 20), "/tmp": str(64 << 20), "/dev/shm": str(64 << 20)}


def test_the_synthetic_etc_names_no_person_and_no_resolver() -> None:
    files = etc_files(210_007)
    assert set(files) == set(ETC_FILES)
    assert files["resolv.conf"] == ""
    assert [line.split(":")[0] for line in files["passwd"].splitlines()] == ["root", "user"]
