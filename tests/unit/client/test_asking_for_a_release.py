"""A release from a notebook: real routes and a real desk behind them."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import haven
from haven.client.session import Haven
from haven.errors import Code
from tests.support import api_service
from tests.support.release_world import CHECKER, png


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_service.Service]:
    with api_service.serving(api_service.build(tmp_path_factory.mktemp("api"))) as running:
        yield running
    running.world.ledger.close()


@pytest.fixture
def h(service: api_service.Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Haven:
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    monkeypatch.chdir(tmp_path)
    Path("figure.png").write_bytes(png())
    Path("notes.md").write_text("# What we did\n")
    return haven.connect(token="anna-token")  # noqa: S106 - a test's token


def test_answers_and_files_are_submitted_followed_and_fetched(h: Haven, service: api_service.Service) -> None:
    answer = h.query("SELECT 1", epsilon=0.1)
    release = h.request_release(
        [answer, answer.plot().save("plot.png"), "figure.png", Path("notes.md")], title="Table 1", context="For a paper."
    )
    assert release.status == "submitted"
    assert [item["form"] for item in release.document["items"]] == ["table", "figure", "figure", "text"]
    assert release.wait(seconds=0) == "submitted"
    with pytest.raises(haven.Refused) as refused:
        release.download()
    assert refused.value.code is Code.RELEASE_STATE
    service.world.desk.approve(CHECKER, release.id, "check.safe", "Nothing to see.", service.world.clock())
    assert release.wait() == "released"
    bundle = release.download()
    assert bundle == Path(f"{release.id}.zip")
    assert zipfile.is_zipfile(bundle)
    assert [one.id for one in h.releases()] == [release.id]
    assert "Table 1" in repr(release)


def test_a_release_can_be_taken_back(h: Haven) -> None:
    release = h.request_release(h.query("SELECT 1", epsilon=0.1), title="t", context="c")
    assert release.withdraw() == "withdrawn"


@pytest.mark.parametrize("item", [7, None, b"bytes", {"a": 1}])
def test_what_is_no_item_is_refused(h: Haven, item: object) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.request_release([item], title="t", context="c")  # type: ignore[list-item]
    assert refused.value.code is Code.RELEASE_ITEM


@pytest.mark.parametrize("name", ["missing.png", ".", "nul\0byte"])
def test_a_file_that_cannot_be_read_is_refused(h: Haven, name: str) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.request_release([name], title="t", context="c")
    assert refused.value.code is Code.RELEASE_ITEM


def test_a_file_that_is_too_large_is_refused_before_it_is_read(h: Haven) -> None:
    with Path("large.png").open("wb") as large:
        large.truncate(11 * 1024 * 1024)
    with pytest.raises(haven.Refused) as refused:
        h.request_release(["large.png"], title="t", context="c")
    assert "10 MB" in refused.value.reason


def test_a_file_in_disguise_is_refused_by_the_desk(h: Haven) -> None:
    Path("page.png").write_bytes(b"PK\x03\x04 an archive")
    with pytest.raises(haven.Refused) as refused:
        h.request_release(["page.png"], title="t", context="c")
    assert refused.value.code is Code.RELEASE_ITEM
