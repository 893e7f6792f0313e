"""The hub as people meet it: log-in, sandbox, kernel, the mediator through the gateway, pages through log-in, an end without a trace."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from haven.errors import Code, Refused
from haven.hub.homes import Homes
from haven.hub.session import HubSession
from tests.support.running_hub import PASSWORD, RunningHub, hub, wait_for

__all__ = ["hub"]  # the fixture

pytestmark = pytest.mark.hub

CALL = """
import http.client, json, os, socket
class Line(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["HAVEN_SOCKET"])
line = Line("haven")
line.request("GET", "/api/v1/datasets", headers={"Authorization": "Bearer " + os.environ["JUPYTERHUB_API_TOKEN"]})
print(line.getresponse().read().decode(), end="")
"""


def uid(hub: RunningHub, name: str) -> int:
    chosen = hub.settings
    return Homes(chosen.places.state / "homes", chosen.first_uid, chosen.home_mb, quotas=True).uid(name)


def traces(hub: RunningHub, name: str) -> list[str]:
    """What is left of a person's sandbox on this machine."""
    number, places = uid(hub, name), hub.settings.places
    found = [f"process {process.pid}" for process in psutil.process_iter(["uids"]) if number in (process.info["uids"] or ())]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/{places.cgroup}/{number}")]
    found += [str(path) for path in [places.sandbox(number)] if path.exists()]
    images = [path.read_text().strip() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    return found + [image for image in images if image.endswith(f"{number}.ext4")]


@pytest.fixture(scope="module")
def ada(hub: RunningHub) -> Iterator[HubSession]:
    with hub.session("ada") as session:
        session.start_sandbox()
        session.start_kernel()
        yield session
        session.stop_sandbox()


def test_a_researcher_runs_a_cell_in_a_real_kernel(ada: HubSession) -> None:
    assert ada.run("print(6 * 7)").text == "42\n"


def test_a_cell_gives_its_rich_output_and_its_error(ada: HubSession) -> None:
    assert ada.run("6 * 7").displays[0]["text/plain"] == "42"
    failed = ada.run("1 / 0")
    assert not failed.ok
    assert failed.error == ("ZeroDivisionError", "division by zero")


def test_a_notebook_is_run_cell_by_cell_until_one_fails(ada: HubSession, tmp_path: Path) -> None:
    def cell(source: str, *tags: str) -> dict[str, Any]:
        return {"cell_type": "code", "source": [source], "metadata": {"tags": list(tags)}}

    notebook = tmp_path / "notebook.ipynb"
    words = {"cell_type": "markdown", "source": ["words"], "metadata": {}}
    cells = [words, cell("a = 1"), cell("1 / 0", "raises-exception"), cell("print(a)"), cell("1 / 0"), cell("print('never')")]
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert [(result.ok, result.text) for result in ada.run_notebook(notebook)] == [(True, ""), (False, ""), (True, "1\n"), (False, "")]


def test_the_mediator_knows_which_kernel_asks(ada: HubSession) -> None:
    answer = json.loads(ada.run(CALL).text)
    assert (answer["name"], answer["role"], answer["server"]) == ("ada", "researcher", "ada/")


def test_a_kernel_is_told_its_limits_and_the_strength_of_its_walls(ada: HubSession) -> None:
    said = ada.run("import os; print(os.environ['HAVEN_LIMITS'], '|', os.environ['HAVEN_SANDBOX'])").text
    assert "768 MB of memory, 1 CPU, 200 processes, 32 MB of home" in said
    assert "full sandbox" in said


def test_the_limits_are_those_of_the_control_group(hub: RunningHub, ada: HubSession) -> None:
    assert ada.name == "ada"
    group = Path("/sys/fs/cgroup/memory", hub.settings.places.cgroup, str(uid(hub, "ada")))
    if not group.is_dir():
        pytest.skip("control groups version 1 are not on this machine")
    assert int((group / "memory.limit_in_bytes").read_text()) == 768 << 20
    assert int(Path(str(group).replace("/memory/", "/cpu/"), "cpu.cfs_quota_us").read_text()) == 100_000
    assert int(Path(str(group).replace("/memory/", "/pids/"), "pids.max").read_text()) == 200


def test_researchers_have_host_user_ids_of_their_own(hub: RunningHub, ada: HubSession) -> None:
    assert ada.run("import os; print(os.getuid())").text.strip() == str(uid(hub, "ada"))
    assert uid(hub, "ada") != uid(hub, "grace")


def test_a_custodian_gets_no_sandbox(hub: RunningHub) -> None:
    with hub.session("dan") as dan, pytest.raises(Refused) as refusal:
        dan.start_sandbox()
    assert refusal.value.code is Code.AUTH_FORBIDDEN


def test_a_checker_gets_no_sandbox_by_the_browsers_way_either(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        carol.client.get(f"{hub.address}/hub/spawn/carol")
        assert traces(hub, "carol") == []


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(hub: RunningHub) -> None:
    for name, password in (("grace", "wrong"), ("nobody-here", PASSWORD)):
        with HubSession(hub.address, name) as session, pytest.raises(Refused) as refusal:
            session.log_in(password)
        assert refusal.value.code is Code.AUTH_INVALID


def test_one_researcher_cannot_open_anothers_server(hub: RunningHub, ada: HubSession) -> None:
    assert ada.name == "ada"
    with hub.session("grace") as grace:
        assert grace.client.get(f"{hub.address}/user/ada/lab").status_code == 403
        assert grace.client.get(f"{hub.address}/user/ada/api/contents").status_code == 403


def test_pages_know_a_person_by_the_hubs_log_in(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        assert carol.client.get(f"{hub.address}/services/haven/").json() == {"name": "carol", "role": "checker"}
        cookie = next(cookie for cookie in carol.client.cookies.jar if cookie.name == "haven-session")
        assert cookie.path == "/services/haven/"
        assert cookie.has_nonstandard_attr("HttpOnly")


def test_logging_out_ends_the_pages_session(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        carol.client.get(f"{hub.address}/services/haven/")
        session = next(cookie.value for cookie in carol.client.cookies.jar if cookie.name == "haven-session")
        carol.client.get(f"{hub.address}/services/haven/log-out")
        again = httpx.get(f"{hub.address}/services/haven/", cookies={"haven-session": session or ""}, follow_redirects=False)
        assert again.status_code == 303


def test_a_log_in_begun_elsewhere_cannot_be_finished_here(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        begun = carol.client.get(f"{hub.address}/services/haven/log-in", follow_redirects=False)
        with httpx.Client() as stranger:
            finished = carol.client.get(hub.address + begun.headers["location"], follow_redirects=False)
            reply = stranger.get(hub.address + finished.headers["location"])
        assert reply.status_code == 400


def test_a_log_in_leads_to_haven_alone(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        for elsewhere in ("https://example.org/", "//example.org/", "/hub/home", "/services/haven/../../hub/home"):
            reply = carol.client.get(f"{hub.address}/services/haven/log-in", params={"next": elsewhere})
            assert reply.url.path == "/services/haven/"


def test_a_browser_cannot_speak_as_the_gateway(hub: RunningHub) -> None:
    with hub.session("carol") as carol:
        carol.client.get(f"{hub.address}/services/haven/")
        for header in ("X-Haven-User", "X-Haven-Server", "X-Haven-Gateway"):
            reply = carol.client.get(f"{hub.address}/services/haven/api/v1/datasets", headers={header: "ada"})
            assert reply.json()["code"] == "auth.forbidden"


def test_the_only_tcp_port_is_the_public_one(hub: RunningHub) -> None:
    family = [psutil.Process(hub.process.pid), *psutil.Process(hub.process.pid).children(recursive=True)]
    outside = [process for process in family if process.uids().real == 0]
    listening = {port.laddr.port for process in outside for port in process.net_connections("inet") if port.status == "LISTEN"}
    assert listening == {hub.settings.port}


def test_every_socket_of_the_house_is_closed_to_others(hub: RunningHub) -> None:
    for path in hub.settings.places.run.glob("*.sock"):
        assert path.stat().st_mode & 0o077 == 0
    assert hub.settings.places.run.stat().st_mode & 0o077 == 0


def test_jupyterlab_keeps_the_browser_at_home(hub: RunningHub, ada: HubSession) -> None:
    policy = ada.client.get(f"{hub.address}/user/ada/lab").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "http" not in policy


def test_a_stopped_sandbox_leaves_nothing_and_its_home_comes_back(hub: RunningHub) -> None:
    with hub.session("grace") as grace:
        grace.start_sandbox()
        grace.start_kernel()
        grace.run("open('/home/user/kept.txt', 'w').write('kept')")
        assert traces(hub, "grace") != []
        grace.stop_sandbox()
        assert traces(hub, "grace") == []
        grace.start_sandbox()
        grace.start_kernel()
        assert grace.run("print(open('/home/user/kept.txt').read(), end='')").text == "kept"
        grace.stop_sandbox()


def test_a_server_that_is_killed_is_taken_down_whole(hub: RunningHub) -> None:
    with hub.session("grace") as grace:
        grace.start_sandbox()
        servers = [process for process in psutil.process_iter(["uids"]) if uid(hub, "grace") in (process.info["uids"] or ())]
        for process in servers:
            with contextlib.suppress(psutil.NoSuchProcess):  # the first to die takes the others along
                if "inside.py" in " ".join(process.cmdline()):
                    process.kill()
        assert wait_for(lambda: traces(hub, "grace") == [], seconds=20)
