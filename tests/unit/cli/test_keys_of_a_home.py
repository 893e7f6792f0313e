"""Keys that are lost, swapped or half written: a clear refusal, and never a new key that nobody asked for."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from haven.cli.home import Kind, create_home, open_home
from haven.cli.house import open_house
from haven.cli.main import app
from haven.errors import Code, Refused
from haven.release.signing import make_key, open_key

KEY, PUBLIC, SECRET = "release.key", "release.pub", "ingest.secret"


Breaker = Callable[[Path, Path], object]


def _keys(home: Path) -> Path:
    return home / "keys"


def _lost(name: str) -> Breaker:
    return lambda home, _: (_keys(home) / name).unlink()


def _half(name: str) -> Breaker:
    def halve(home: Path, _: Path) -> None:
        path = _keys(home) / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return halve


def _empty(name: str) -> Breaker:
    return lambda home, _: (_keys(home) / name).write_bytes(b"")


def _swapped(name: str) -> Breaker:
    return lambda home, other: (_keys(home) / name).write_bytes((_keys(other) / name).read_bytes())


def _open_to_others(name: str) -> Breaker:
    return lambda home, _: (_keys(home) / name).chmod(0o644)


BROKEN = {
    **{f"lost {name}": _lost(name) for name in (KEY, PUBLIC, SECRET)},
    **{f"half of {name}": _half(name) for name in (KEY, PUBLIC, SECRET)},
    **{f"empty {name}": _empty(name) for name in (KEY, PUBLIC, SECRET)},
    **{f"another's {name}": _swapped(name) for name in (KEY, PUBLIC, SECRET)},
    **{f"{name} open to others": _open_to_others(name) for name in (KEY, SECRET)},
}


@pytest.fixture(name="pair", scope="module")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home that was open before, and another one."""
    folder = tmp_path_factory.mktemp("homes")
    for name in ("home", "other"):
        create_home(folder / name, Kind.NORMAL)
        with open_house(folder / name):
            pass
    return folder / "home", folder / "other"


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_house_with_a_broken_key_does_not_open_and_its_keys_stay_as_they_are(
    pair: tuple[Path, Path], tmp_path: Path, broken: Breaker
) -> None:
    home = tmp_path / "home"
    shutil.copytree(pair[0], home)
    broken(home, pair[1])
    before = {path.name: path.read_bytes() for path in _keys(home).iterdir()}
    with pytest.raises(Refused) as refusal, open_house(home):
        pass
    assert refusal.value.code is Code.HOME_INVALID
    assert {path.name: path.read_bytes() for path in _keys(home).iterdir()} == before


def test_a_secret_is_never_made_in_the_place_of_a_lost_one(pair: tuple[Path, Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(pair[0], home)
    (_keys(home) / SECRET).unlink()
    with pytest.raises(Refused, match="missing"):
        _ = open_home(home).secret
    assert not (_keys(home) / SECRET).exists()


def test_a_key_is_made_by_word_alone_and_never_over_another(pair: tuple[Path, Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(pair[0], home)
    command = ["key", "make", "--home", str(home)]
    before = open_key(_keys(home)).public
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert open_key(_keys(home)).public == before
    (_keys(home) / KEY).unlink()
    made = CliRunner().invoke(app, command)
    assert made.exit_code == 0
    assert open_key(_keys(home)).public != before


def test_a_key_that_was_half_made_is_noticed(tmp_path: Path) -> None:
    """Its public half is written first: a crash between the two leaves no key, and says so."""
    make_key(tmp_path)
    (tmp_path / KEY).unlink()
    with pytest.raises(Refused, match="missing"):
        open_key(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [PUBLIC]
