"""Speech models: fetched from a real server over HTTPS, checked, and put in their place in one step."""

import hashlib
import io
import json
import os
import ssl
import stat
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import doctor
from backend.cli.context import Context
from backend.cli.main import talkstick
from backend.shell import certificates
from backend.shell.settings import Settings
from backend.shell.voice import fetching
from backend.shell.voice.catalogue import MODELS
from backend.shell.voice.fetching import Source, fetch
from backend.shell.voice.models import ModelError, all_fetched, found, installed, remove, use
from tests.rig import COMMAND, WITHIN_S

FILES = {"am/final.mdl": b"acoustic", "graph/HCLG.fst": b"graph" * 1000, "conf/model.conf": b"--beam=13"}


def packed(files: Mapping[str, bytes], top: str = "vosk-model-test/") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(top + name, content)
    return made.getvalue()


ARCHIVE = packed(FILES)


@dataclass
class Web:
    """A web server with one file, as good or bad as a test wants it."""

    url: str = ""
    body: bytes = ARCHIVE
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    breaks_after: int | None = None
    status: int = 200
    asked: list[Mapping[str, str]] = field(default_factory=list)
    half: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


class _Page(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        web.asked.append({key.lower(): value for key, value in self.headers.items()})
        wanted, start = self.headers.get("Range"), 0
        if wanted and self.headers.get("If-Range") == web.headers.get("ETag"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(web.status if web.status != 200 else 206 if start else 200)
        for name, value in web.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(web.body) - start))
        self.end_headers()
        if web.breaks_after is None:
            self.wfile.write(web.body[start:])
        else:
            self.wfile.write(web.body[start : web.breaks_after])
            self.wfile.flush()
            web.half.set()
            web.go_on.wait(WITHIN_S)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    web = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (_Page,), {"web": web}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/model.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield web
    finally:
        web.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a certificate for 127.0.0.1 in it."""
    data = tmp_path_factory.mktemp("authority")
    assert CliRunner().invoke(talkstick, ["--data", str(data), "certs", "init", "--name", "127.0.0.1"]).exit_code == 0
    return data / certificates.FOLDER


@pytest.fixture
def web(authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that is trusted."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / certificates.SERVER, authority / certificates.SERVER_KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / certificates.CA))
    with serving(tls) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def get(settings: Settings, web: Web, sha256: str | None = None, name: str = "vosk-model-test") -> Path:
    return fetch(settings, Source(name, web.url, sha256), lambda _there, _size: None)


def left(settings: Settings) -> list[str]:
    """Return what lies beside the models."""
    return sorted(each.name for each in (settings.data / "voice" / "models").iterdir() if each.name != ".lock")


def talk(settings: Settings, *arguments: str, ok: bool = True) -> str:
    done = CliRunner().invoke(talkstick, ["--data", str(settings.data), *arguments])
    assert (done.exit_code == 0) == ok, done.output
    return done.output


class TestFetch:
    def test_it_is_unpacked_and_hears_its_language(self, settings: Settings, web: Web) -> None:
        assert installed(settings) == {}
        arguments = ("voice", "models", "fetch", "vosk-model-test", "--url", web.url, "--language", "en", "--json")
        made = json.loads(talk(settings, *arguments))
        place = settings.data / "voice" / "models" / "vosk-model-test"
        assert made == {"model": "vosk-model-test", "language": "en", "directory": str(place)}
        assert installed(settings) == {"en": place}
        assert {str(each.relative_to(place)): each.read_bytes() for each in place.rglob("*.*")} == FILES
        assert left(settings) == ["vosk-model-test"]
        talk(settings, *arguments)
        assert len(web.asked) == 1, "what is there is not fetched again"

    def test_progress_is_told(self, settings: Settings, web: Web) -> None:
        told: list[tuple[int, int | None]] = []
        fetch(settings, Source("a", web.url), lambda there, size: told.append((there, size)))
        assert told[-1] == (len(ARCHIVE), len(ARCHIVE))

    def test_a_broken_download_goes_on_where_it_broke(self, settings: Settings, web: Web) -> None:
        web.breaks_after = len(ARCHIVE) // 2
        web.go_on.set()
        with pytest.raises(ModelError, match="try again"):
            get(settings, web)
        assert all_fetched(settings) == []
        web.breaks_after = None
        assert get(settings, web).is_dir()
        assert web.asked[1]["range"] == f"bytes={len(ARCHIVE) // 2}-"
        assert left(settings) == ["vosk-model-test"]

    def test_it_begins_anew_where_the_file_is_another_one_now(self, settings: Settings, web: Web) -> None:
        web.breaks_after = len(ARCHIVE) // 2
        web.go_on.set()
        with pytest.raises(ModelError):
            get(settings, web)
        web.breaks_after, web.headers = None, {"ETag": '"2"'}
        web.body = packed({**FILES, "README": b"newer"})
        assert (get(settings, web) / "README").read_bytes() == b"newer"

    def test_kill_leaves_nothing_that_would_be_taken_for_a_model(
        self, settings: Settings, web: Web, authority: Path
    ) -> None:
        web.breaks_after = len(ARCHIVE) // 2
        command = [str(COMMAND), "--data", str(settings.data), "voice", "models", "fetch", "m", "--language", "en"]
        environment = {**os.environ, "SSL_CERT_FILE": str(authority / certificates.CA)}
        with subprocess.Popen([*command, "--url", web.url], env=environment) as killed:
            assert web.half.wait(WITHIN_S * 4)
            with pytest.raises(ModelError, match="another command"):
                get(settings, web)
            killed.kill()
        assert all_fetched(settings) == []
        assert installed(settings) == {}
        web.breaks_after = None
        assert get(settings, web, name="m").is_dir()

    def test_unpacking_that_was_interrupted_is_begun_anew(self, settings: Settings, web: Web) -> None:
        half = settings.data / "voice" / "models" / ".vosk-model-test.new"
        half.mkdir(parents=True)
        (half / "old").touch()
        assert sorted(each.name for each in get(settings, web).iterdir()) == ["am", "conf", "graph"]
        assert left(settings) == ["vosk-model-test"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"<html>not here</html>", "no ZIP file"),
            (ARCHIVE[:100] + bytes([ARCHIVE[100] ^ 1]) + ARCHIVE[101:], "broken"),
            (packed({"../../evil": b"", **FILES}, ""), "with the path"),
            (packed({"/etc/evil": b"", **FILES}, ""), "with the path"),
            (packed({"a\\b": b"", **FILES}, ""), "with the path"),
            (packed({str(n): b"" for n in range(2000)}), "2000 files"),
            (packed({"README": b"not a model"}), "no model for Vosk"),
            (packed({"am/final.mdl": b"no graph"}), "neither HCLG.fst nor"),
            (packed({}), "no model for Vosk"),
        ],
        ids=["page", "damaged", "up", "absolute", "windows", "many", "other", "graph", "empty"],
    )
    def test_what_is_no_model(self, settings: Settings, web: Web, body: bytes, why: str) -> None:
        web.body = body
        with pytest.raises(ModelError, match=why):
            get(settings, web)
        assert all_fetched(settings) == []
        assert not (settings.data.parent / "evil").exists()

    def test_a_bomb_is_not_unpacked(self, settings: Settings, web: Web) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("am/final.mdl", bytes(30 * 2**20))
        web.body = made.getvalue()
        with pytest.raises(ModelError, match="30 MiB unpacked"):
            get(settings, web)
        assert left(settings) == []

    def test_a_bomb_that_lies_about_its_size_stays_small(self, settings: Settings, web: Web) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("am/final.mdl", bytes(30 * 2**20))
            archive.filelist[0].file_size = 1000
        web.body = made.getvalue()
        with pytest.raises(ModelError, match="broken"):
            get(settings, web)
        assert left(settings) == []

    def test_links_are_refused(self, settings: Settings, web: Web) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            link = zipfile.ZipInfo("am/final.mdl")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        web.body = made.getvalue()
        with pytest.raises(ModelError, match="link"):
            get(settings, web)

    def test_it_must_be_what_was_pinned(self, settings: Settings, web: Web) -> None:
        with pytest.raises(ModelError, match="SHA-256"):
            get(settings, web, "0" * 64)
        assert left(settings) == []
        assert get(settings, web, hashlib.sha256(ARCHIVE).hexdigest().upper()).is_dir()

    @pytest.mark.parametrize(("limit", "why"), [("MAX_BYTES", "more than"), ("_SPARE", "are free")])
    def test_size_and_room(
        self, settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch, limit: str, why: str
    ) -> None:
        monkeypatch.setattr(fetching, limit, {"MAX_BYTES": 1000, "_SPARE": 2**60}[limit])
        with pytest.raises(ModelError, match=why):
            get(settings, web)
        assert all_fetched(settings) == []

    def test_a_page_that_is_not_there(self, settings: Settings, web: Web) -> None:
        web.status = 404
        with pytest.raises(ModelError, match="404"):
            get(settings, web)

    def test_nobody_is_there(self, settings: Settings) -> None:
        with pytest.raises(ModelError, match=r"m\.zip: .*try again"):
            fetch(settings, Source("m", "https://127.0.0.1:1/m.zip"), lambda _there, _size: None)

    def test_https_is_not_left(self, settings: Settings, web: Web) -> None:
        with serving() as plain:
            web.status, web.headers = 302, {"Location": plain.url}
            with pytest.raises(ModelError, match="not https"):
                get(settings, web)
            assert plain.asked == []

    def test_without_https_only_what_is_pinned(self, settings: Settings) -> None:
        with serving() as plain:
            with pytest.raises(ModelError, match="--sha256"):
                get(settings, plain)
            assert get(settings, plain, hashlib.sha256(ARCHIVE).hexdigest()).is_dir()

    def test_a_certificate_that_nobody_trusts(
        self, settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ModelError, match="CERTIFICATE"):
            get(settings, web)

    @pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", ""])
    def test_names(self, settings: Settings, web: Web, name: str) -> None:
        with pytest.raises(ModelError, match="no name for a model"):
            get(settings, web, name=name)


class TestShelf:
    @staticmethod
    def model(place: Path) -> Path:
        for name, content in FILES.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        return place

    def test_one_that_is_elsewhere_is_linked_and_stays(self, settings: Settings, tmp_path: Path) -> None:
        elsewhere = self.model(tmp_path / "elsewhere")
        talk(settings, "voice", "models", "add", "en", str(elsewhere))
        assert installed(settings) == {"en": elsewhere}
        other = self.model(tmp_path / "other")
        use(settings, "en", other)
        assert installed(settings) == {"en": other}
        assert "hears en" in talk(settings, "voice", "models", "remove", "en")
        assert installed(settings) == {}
        assert other.is_dir()

    def test_what_the_settings_say_wins(self, settings: Settings, tmp_path: Path) -> None:
        use(settings, "en", self.model(tmp_path / "one"))
        self.model(settings.data / "mine")
        chosen = settings.model_copy(update={"voice_models": {"en": Path("mine"), "es": Path("/nowhere")}})
        assert installed(chosen) == {"en": settings.data / "mine"}
        assert {model.language: model.problem for model in found(chosen)} == {
            "en": None,
            "es": "/nowhere is no directory",
        }

    def test_a_directory_by_hand_is_used_and_not_replaced(self, settings: Settings, tmp_path: Path) -> None:
        by_hand = self.model(settings.data / "voice" / "es")
        assert installed(settings) == {"es": by_hand}
        with pytest.raises(ModelError, match="not a link"):
            use(settings, "es", self.model(tmp_path / "other"))

    def test_removing_what_was_fetched_removes_it(self, settings: Settings, web: Web) -> None:
        place = get(settings, web)
        use(settings, "en", place)
        assert remove(settings, "vosk-model-test") == ["en"]
        assert left(settings) == []
        assert installed(settings) == {}
        with pytest.raises(ModelError, match="there is no model"):
            remove(settings, "vosk-model-test")

    @pytest.mark.parametrize("language", ["English", "e", "../en"])
    def test_languages(self, settings: Settings, tmp_path: Path, language: str) -> None:
        with pytest.raises(ModelError, match="no language"):
            use(settings, language, self.model(tmp_path / "one"))

    def test_the_data_directory_may_be_moved(self, settings: Settings, web: Web, tmp_path: Path) -> None:
        use(settings, "en", get(settings, web))
        settings.data.rename(tmp_path / "moved")
        assert installed(Settings(data=tmp_path / "moved")).keys() == {"en"}


class TestCommands:
    def test_list_and_explain(self, settings: Settings, web: Web) -> None:
        lines = {line["model"]: line for line in json.loads(talk(settings, "voice", "models", "list", "--json"))}
        assert {line["state"] for line in lines.values()} == {"known"}
        assert {"en", "es", "de", "fr"} <= {line["language"] for line in lines.values()}
        use(settings, "en", get(settings, web))
        get(settings, web, name="vosk-model-small-es-0.42")
        states = {
            line["model"]: line["state"] for line in json.loads(talk(settings, "voice", "models", "list", "--json"))
        }
        assert states["vosk-model-test"] == "used"
        assert states["vosk-model-small-es-0.42"] == "here"
        talk(settings, "voice", "models", "use", "vosk-model-small-es-0.42")
        assert installed(settings).keys() == {"en", "es"}
        shown = talk(settings, "voice", "models", "explain", "vosk-model-small-es-0.42")
        for word in ("Apache", "16.02", "300 MB", "alphacephei.com"):
            assert word in shown
        assert "list" in talk(settings, "voice", "models", "explain", "vosk-model-xx", ok=False)

    def test_what_is_unknown_needs_a_place_and_a_language(self, settings: Settings) -> None:
        assert "--url" in talk(settings, "voice", "models", "fetch", "vosk-model-xx", ok=False)

    def test_the_catalogue_is_sound(self) -> None:
        assert len({model.name for model in MODELS}) == len(MODELS)
        for model in MODELS:
            assert model.url == f"https://alphacephei.com/vosk/models/{model.name}.zip"
            assert model.sha256 is None or len(bytes.fromhex(model.sha256)) == 32

    def test_doctor_says_whether_it_hears(self, settings: Settings, web: Web) -> None:
        def check(of: Settings) -> list[tuple[str, str]]:
            context = Context(of.data)
            context.settings = of
            return [(finding.state, finding.found) for finding in doctor._voice(context) if finding.what == "voice"]

        assert check(settings) == [("warn", "off: there is no speech model")]
        use(settings, "en", get(settings, web))
        assert check(settings) == [("ok", f"hears en with {settings.data}/voice/models/vosk-model-test")]
        broken = settings.model_copy(update={"voice_models": {"en": Path("/nowhere")}})
        assert check(broken) == [("fail", "/nowhere is no directory")]
