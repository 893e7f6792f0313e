"""Log-in, permissions and settings of the hub, from the books."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.config import Config

from haven.hub.accounts import HubAccounts
from haven.hub.authenticator import HavenAuthenticator
from haven.hub.config import configure, landing_page
from haven.hub.inside import seed_notebooks
from haven.hub.listening import private_socket
from haven.hub.proxy import UnixRoutedProxy
from haven.hub.settings import HubSettings, socket_url
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Role
from tests.support import policy_files

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105 - a test's


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    opened = Ledger.open(tmp_path_factory.mktemp("books") / "books.sqlite")
    for name, role, project in (("ada", Role.RESEARCHER, "liver"), ("dan", Role.CUSTODIAN, None), ("eve", Role.RESEARCHER, None)):
        opened.people.add_user(name, role, actor="setup", now=NOW, project=project)
        opened.people.set_password(name, PASSWORD, actor="setup", now=NOW)
    opened.people.suspend_user("eve", "sanction", actor="dan", now=NOW)
    return opened


@pytest.fixture
def door(ledger: Ledger) -> HavenAuthenticator:
    return HavenAuthenticator(open_accounts=lambda: HubAccounts.of(ledger), allow_all=True)


def log_in(door: HavenAuthenticator, name: str, password: str) -> object:
    return asyncio.run(door.authenticate(None, {"username": name, "password": password}))


def test_a_log_in_gives_the_name_and_the_role_as_the_group(door: HavenAuthenticator) -> None:
    assert log_in(door, "ada", PASSWORD) == {"name": "ada", "groups": ["researcher"]}
    assert log_in(door, "dan", PASSWORD) == {"name": "dan", "groups": ["custodian"]}


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("eve", PASSWORD), ("", "")])
def test_a_wrong_password_an_unknown_name_and_a_suspended_account_look_alike(door: HavenAuthenticator, name: str, password: str) -> None:
    assert log_in(door, name, password) is None


@pytest.mark.parametrize(("name", "may"), [("ada", True), ("dan", False), ("eve", False), ("nobody", False)])
def test_only_active_researchers_may_start_a_sandbox(door: HavenAuthenticator, name: str, may: bool) -> None:  # noqa: FBT001 - a table
    if may:
        door.pre_spawn_start(SimpleNamespace(name=name), None)
    else:
        with pytest.raises(HTTPError) as refusal:
            door.pre_spawn_start(SimpleNamespace(name=name), None)
        assert refusal.value.status_code == 403


def test_a_suspended_or_unknown_person_is_logged_out(door: HavenAuthenticator) -> None:
    assert asyncio.run(door.refresh_user(SimpleNamespace(name="ada")))
    assert not asyncio.run(door.refresh_user(SimpleNamespace(name="eve")))
    assert not asyncio.run(door.refresh_user(SimpleNamespace(name="nobody")))


def test_a_sandbox_has_a_reason_to_end_once_its_person_or_any_project_it_began_with_is_stopped(
    ledger: Ledger, door: HavenAuthenticator
) -> None:
    def set_state(name: str, state: State) -> None:
        ledger.registry.set_state(PolicyKind.PROJECT, name, state, "a complaint", "dan", NOW)

    for name in ("one", "two"):
        policy = {"project": name, "researchers": ["ada"]}
        ledger.registry.add_policy(
            PolicyKind.PROJECT, name, policy_files.project_text(**policy), policy_files.project(**policy).digest, "dan", NOW
        )
    both = door.accounts.active_projects("ada")
    assert both == {"one", "two"}
    assert door.why_to_end("ada", both) is None
    set_state("one", State.SUSPENDED)
    assert door.why_to_end("ada", both) == "the project one was stopped"
    assert door.why_to_end("ada", door.accounts.active_projects("ada")) is None
    door.check_may_spawn("ada")
    set_state("two", State.SUSPENDED)
    with pytest.raises(HTTPError) as refusal:
        door.check_may_spawn("ada")
    assert refusal.value.status_code == 403
    for name in both:
        set_state(name, State.ACTIVE)
    assert door.why_to_end("eve", frozenset()) == "the account was stopped"
    assert door.why_to_end("nobody", frozenset()) == "the account was stopped"


def test_a_log_out_is_recorded(ledger: Ledger, door: HavenAuthenticator) -> None:
    door.accounts.log_out("ada", NOW)
    (entry,) = ledger.entries(kind="user.logged_out")
    assert (entry.actor, entry.detail) == ("ada", {"name": "ada"})


def test_a_researchers_project_is_known(door: HavenAuthenticator) -> None:
    assert (door.project_of("ada"), door.project_of("dan"), door.project_of("nobody")) == ("liver", None, None)


def test_everyone_starts_at_their_own_place() -> None:
    def person(*roles: str) -> SimpleNamespace:
        return SimpleNamespace(current_user=SimpleNamespace(groups=[SimpleNamespace(name=role) for role in roles]))

    assert landing_page(SimpleNamespace(current_user=None)) == "/hub/login"
    assert landing_page(person("researcher")) == "/hub/spawn"
    assert landing_page(person("checker")) == "/services/haven/log-in?next=/services/haven/"


def test_nothing_but_the_public_address_is_on_tcp(tmp_path: Path) -> None:
    c = Config()
    settings = HubSettings.for_home(tmp_path, port=8123)
    configure(c, settings, open_accounts=lambda: pytest.fail("not yet"))
    assert c.JupyterHub.bind_url == "http://127.0.0.1:8123"
    inner = [c.JupyterHub.hub_bind_url, c.ConfigurableHTTPProxy.api_url, *c.UnixRoutedProxy.extra_routes.values()]
    assert all(url.startswith("http+unix://%2F") for url in inner)
    assert {role["name"]: role["scopes"] for role in c.JupyterHub.load_roles}["user"] == [
        "read:users!user",
        "access:services!service=haven",
    ]


def test_an_extra_route_leads_to_a_unix_socket_alone(tmp_path: Path) -> None:
    good = {"/services/haven/": socket_url(tmp_path / "s.sock")}
    assert UnixRoutedProxy(extra_routes=good).extra_routes == good
    for bad in ({"/services/haven/": "http://127.0.0.1:1"}, {"services/haven": good["/services/haven/"]}):
        with pytest.raises(TraitError):
            UnixRoutedProxy(extra_routes=bad)


def test_settings_travel_through_their_file_and_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    settings = HubSettings.for_home(tmp_path, port=8123, memory_mb=512)
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    assert HubSettings.load(tmp_path / "settings.json") == settings
    for wrong in ({"colour": "red"}, {"port": 0}, {"memory_mb": 1}, {"cpus": 0}):
        with pytest.raises(ValidationError):
            HubSettings.for_home(tmp_path, **wrong)


def test_an_alias_is_short_lower_case_and_leads_to_the_run_directory(tmp_path: Path) -> None:
    home = tmp_path / ("Very-Long-" * 12)
    (home / "run").mkdir(parents=True)
    places = HubSettings.for_home(home).places
    places.make_alias()
    try:
        assert places.alias.resolve() == (home / "run").resolve()
        assert len(str(places.sandbox(4_000_000_000) / "gateway" / "gw.sock")) < 108
        assert str(places.alias) == str(places.alias).lower()
    finally:
        places.drop_alias()
    assert not places.alias.exists()


def test_a_private_socket_is_private_from_the_first_moment_and_replaces_a_stale_one(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    for _ in range(2):
        with private_socket(path):
            assert path.stat().st_mode & 0o777 == 0o600


def test_notebooks_are_copied_once_and_never_over_a_researchers_work(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "home" / "notebooks"
    source.mkdir()
    target.parent.mkdir()
    (source / "01.ipynb").write_text("new")
    seed_notebooks(source, target)
    (target / "01.ipynb").write_text("mine")
    (source / "02.ipynb").write_text("second")
    seed_notebooks(source, target)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"01.ipynb": "mine", "02.ipynb": "second"}
    seed_notebooks(tmp_path / "nowhere", tmp_path / "untouched")
    assert not (tmp_path / "untouched").exists()
