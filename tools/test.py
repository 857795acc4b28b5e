"""Test the collection: every gate, one after the other, and a table of them.

Usage: tools/test [STAGE...]; without stages all of them.

What git knows and what it does not ignore is copied to a folder
ansible_collections/tlsbootstrap/kubernetes in the cache and tested there, so
that a dirty tree can be tested and nothing is written into it. Molecule's scenarios,
which mostly wait for certificates to age and hosts to start, run beside the other
stages, in two lanes.

Needs Python 3.9 and git; the stage `setup` installs the rest.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(
    os.environ.get("TLSBOOTSTRAP_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlsbootstrap.kubernetes"
)
WORK = CACHE / "test" / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
COPY = WORK / "tree/ansible_collections/tlsbootstrap/kubernetes"
DIST = WORK / "dist"
LOGS = WORK / "logs"
# Lanes that run side by side, the scenarios of each one after the other. The longest gives way to nobody, for it
# decides when all is done, and the other stages give way to both: certificates do not wait, linters do.
LANES = ((0, ("join_security",)), (2, ("join_and_rotate", "kubeadm_profile", "join_only")))
OTHERS = 3
EACH_SCENARIO = 'status=0; for scenario; do "$0" "$scenario" test || status=1; done; exit "$status"'
HEARTBEAT = 60  # seconds between two signs of life
SHOWN_LINES = 150  # of a failed step; its whole log is kept
# Folders and files that a user of the collection gets; build_ignore keeps out the rest.
SHIPPED = {
    "CHANGELOG.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md",
    "changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles",
}  # fmt: skip
SHIPPED_BYTES = 2_000_000


def say(text: str) -> None:
    print(text, flush=True)


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60:02d} s"


class StepFailed(Exception):
    """A step without which its stage cannot go on."""


@dataclass
class Process:
    """A command in a session of its own, so that all of it can be ended."""

    argv: list[str]
    log: Path
    cwd: Path
    env: dict[str, str]
    timeout: float
    started: float = field(default_factory=time.monotonic)
    popen: subprocess.Popen[bytes] | None = None
    timed_out: bool = False

    def start(self) -> None:
        with self.log.open("ab") as output:
            output.write(f"\n$ {shlex.join(self.argv)}\n".encode())
            output.flush()
            self.popen = subprocess.Popen(
                self.argv,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (WORK / "pids").mkdir(exist_ok=True)
        (WORK / "pids" / str(self.popen.pid)).write_text(start_time(self.popen.pid))

    def wait(self) -> bool:
        assert self.popen is not None
        try:
            self.popen.wait(max(1, self.timeout - (time.monotonic() - self.started)))
        except subprocess.TimeoutExpired:
            self.timed_out = True
        finally:
            self.end()
        return self.popen.returncode == 0 and not self.timed_out

    def end(self) -> None:
        assert self.popen is not None
        if self.popen.poll() is None:
            end_group(self.popen.pid, self.popen)
        (WORK / "pids" / str(self.popen.pid)).unlink(missing_ok=True)


def start_time(pid: int) -> str:
    """What tells a process from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""


def end_group(pid: int, popen: subprocess.Popen[bytes] | None = None) -> None:
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if (popen.poll() is not None) if popen else not start_time(pid):
                return
            time.sleep(0.1)


def end_leftovers() -> None:
    """End what a killed run has left running."""
    for path in (WORK / "pids").glob("*"):
        if path.read_text() and start_time(int(path.name)) == path.read_text():
            say(f"ending process {path.name} of an earlier run")
            end_group(int(path.name))
        path.unlink(missing_ok=True)


class Tester:
    """What the stages share: the environment and the steps' logs."""

    def __init__(self) -> None:
        self.stage = ""
        self.failed_steps: list[str] = []
        self.env = base_environment()
        self.venv = Path()
        self.running: list[Process] = []
        self.lanes: list[tuple[str, Process]] = []

    def use_venv(self, venv: Path) -> None:
        self.venv = venv
        self.env["PATH"] = f"{venv / 'bin'}:{self.env['PATH']}"
        self.env["VIRTUAL_ENV"] = str(venv)

    def start(
        self, argv: list[str], *, cwd: Path = COPY, timeout: float = 1200, env: dict[str, str] | None = None
    ) -> Process:
        LOGS.mkdir(exist_ok=True)
        process = Process(argv, LOGS / f"{self.stage}.log", cwd, {**self.env, **(env or {})}, timeout)
        process.start()
        self.running.append(process)
        return process

    def finish(self, title: str, process: Process, offset: int = 0, findings: str = "") -> bool:
        passed = process.wait()
        self.running.remove(process)
        taken = seconds(time.monotonic() - process.started)
        say(f"    {title}: {'ok' if passed else 'FAILED'}, {taken}")
        if not passed:
            self.failed_steps.append(title)
            show_end(process.log, offset, findings)
            if process.timed_out:
                say(f"    {title} did not end within {seconds(process.timeout)}")
        return passed

    def step(
        self,
        title: str,
        argv: list[str],
        *,
        cwd: Path = COPY,
        timeout: float = 1200,
        findings: str = "",
        env: dict[str, str] | None = None,
    ) -> bool:
        """Run a command to its end; `findings` says which lines of a long output tell of a failure."""
        log = LOGS / f"{self.stage}.log"
        offset = log.stat().st_size if log.exists() else 0
        try:
            process = self.start(argv, cwd=cwd, timeout=timeout, env=env)
        except OSError as error:
            return self.fail(title, str(error))
        with heartbeat(title, process):
            return self.finish(title, process, offset, findings)

    def must(self, title: str, argv: list[str]) -> None:
        if not self.step(title, argv):
            raise StepFailed(title)

    def fail(self, title: str, why: str) -> bool:
        say(f"    {title}: FAILED\n        {why}")
        self.failed_steps.append(title)
        return False

    def answer(self, title: str, argv: list[str]) -> str:
        """The last line that a script of ours prints; its progress is shown as it comes."""
        say(f"    {title}")
        done = subprocess.run(
            argv, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode or not done.stdout.strip():
            self.fail(title, f"{shlex.join(argv)} ended with status {done.returncode}")
            raise StepFailed(title)
        return done.stdout.strip().splitlines()[-1]


def show_end(log: Path, offset: int, pattern: str) -> None:
    with log.open("rb") as source:
        source.seek(offset)
        lines = source.read().decode(errors="replace").splitlines()
    # A program that died has not said why in the form of its findings.
    found = [line for line in lines if re.search(pattern, line)] or lines
    for line in found[-SHOWN_LINES:]:
        say(f"        {line}")
    say(f"    the whole log: {log}")


@contextlib.contextmanager
def heartbeat(title: str, process: Process) -> Iterator[None]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            say(f"    {title}: {seconds(time.monotonic() - process.started)} ... {last_line(process.log)}")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def last_line(log: Path) -> str:
    with contextlib.suppress(OSError, IndexError):
        with log.open("rb") as source:
            source.seek(max(0, log.stat().st_size - 4096))
            lines = source.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()][-1][:100]
    return ""


def base_environment() -> dict[str, str]:
    env = {
        name: value
        for name, value in os.environ.items()
        # Settings of the caller's Ansible and Python must not decide what is tested.
        if not name.startswith(("ANSIBLE_", "MOLECULE_", "PYTHON", "PYTEST_")) and name != "VIRTUAL_ENV"
    }
    # A version manager's shims follow the folder that they are called from;
    # the interpreters behind them serve as further versions to import with.
    folders = [folder for folder in env.get("PATH", os.defpath).split(":") if folder]
    shims = [Path(folder) for folder in folders if Path(folder).name == "shims"]
    behind = [str(path) for shim in shims for path in sorted(shim.parent.glob("versions/3.*/bin"))]
    folders = [folder for folder in folders if Path(folder).name != "shims"]
    env.update(
        PATH=":".join([*folders, *behind]),
        TLSBOOTSTRAP_CACHE=str(CACHE),
        ANSIBLE_COLLECTIONS_PATH=str(WORK / "tree"),
        ANSIBLE_HOME=str(WORK / "ansible"),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_FORCE_COLOR="0",
        NO_COLOR="1",
        LC_ALL="C.UTF-8",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONUNBUFFERED="1",
        RUFF_CACHE_DIR=str(WORK / "cache/ruff"),
        MYPY_CACHE_DIR=str(WORK / "cache/mypy"),
    )
    return env


def git(*arguments: str, cwd: Path) -> bytes:
    # A checkout of another user (sudo) is read, nothing of it is run.
    argv = ["git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", *arguments]
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise StepFailed(f"{shlex.join(argv)} in {cwd}: status {done.returncode}")
    return done.stdout


def copy_tree() -> None:
    """Lay a copy of the tree where Ansible finds a collection; ansible-test wants it in git."""
    for folder in (WORK / "tree", DIST, WORK / "ansible"):
        shutil.rmtree(folder, ignore_errors=True)
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).decode().split("\0")
    for name in sorted(set(filter(None, names))):
        source, target = ROOT / name, COPY / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git("init", "--quiet", cwd=COPY)
    git("add", "--all", cwd=COPY)
    git(
        "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgSign=false",
        "commit", "--quiet", "--message=under test", cwd=COPY,
    )  # fmt: skip


def setup(t: Tester) -> None:
    """The tools, and a copy of the tree."""
    given = os.environ.get("TLSBOOTSTRAP_TEST_VENV")
    t.use_venv(Path(given or t.answer("tools", [str(ROOT / "tools/setup"), "test"])))
    copy_tree()
    say(f"    tested is a copy: {COPY}")


def kubernetes(t: Tester) -> None:
    """The Kubernetes under test and the image of a node."""
    # Not kept: those who need them ask the same scripts, which then answer at once.
    t.answer("Kubernetes", [str(ROOT / "tools/kubernetes")])
    t.answer("node image", [str(ROOT / "tools/node-image")])


def lint(t: Tester) -> None:
    """Every linter."""
    parent = WORK / "tree"
    plugins = "ansible_collections/tlsbootstrap/kubernetes/plugins"
    t.step("ruff", ["ruff", "check", "--output-format", "concise", "."])
    t.step("ruff format", ["ruff", "format", "--diff", "."])
    t.step("mypy", ["mypy", "--strict", "--config-file", str(COPY / "pyproject.toml"), plugins], cwd=parent)
    t.step("yamllint", ["yamllint", "--strict", "."])
    t.step("shellcheck", ["shellcheck", "--external-sources", *shell_scripts()])
    t.step("ansible-lint", ["ansible-lint", "--profile", "production", "--offline", "--strict", "--format", "pep8"])
    t.step("role-docs", ["python", "-B", "tools/role_docs.py", "--check"])


def shell_scripts() -> list[str]:
    names = git("ls-files", "-z", cwd=COPY).decode().split("\0")
    return [name for name in names if name and is_shell(COPY / name)]


def is_shell(path: Path) -> bool:
    if path.suffix in {".sh", ".bash"}:
        return True
    if path.is_symlink() or path.suffix or not path.is_file():
        return False
    with path.open("rb") as source:
        return re.match(rb"#!.*\b(ba|da)?sh\b", source.readline(200)) is not None


def docs(t: Tester) -> None:
    """The documentation of modules and roles, the changelog."""
    t.step(
        "antsibull-docs",
        ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", "."],
    )
    t.step("antsibull-changelog", ["antsibull-changelog", "lint"])


def sanity(t: Tester) -> None:
    """ansible-test sanity: the whole suite, and no ignore file."""
    ignored = sorted((COPY / "tests/sanity").glob("ignore*"))
    if ignored:
        t.fail("no exceptions", f"to be mended, not ignored: {', '.join(path.name for path in ignored)}")
    home = WORK / "home"
    write_pip_settings(t, home)
    write_get_pip(t, home)
    t.step(
        "ansible-test sanity",
        ["ansible-test", "sanity", "--color", "no"],
        findings="ERROR|FATAL",
        env={"HOME": str(home)},
    )


def write_pip_settings(t: Tester, home: Path) -> None:
    """ansible-test strips PIP_*: what pip is told here by any means, tell it by file."""
    listed = subprocess.run(
        [str(t.venv / "bin/pip"), "config", "list"], env=t.env, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    settings = configparser.RawConfigParser()
    for line in listed.splitlines():
        key, value = line.split("=", 1)
        section, option = key.rsplit(".", 1)
        # The environment, listed first, wins.
        section = "global" if section == ":env:" else section
        if not settings.has_section(section):
            settings.add_section(section)
        if not settings.has_option(section, option):
            settings.set(section, option, str(ast.literal_eval(value)).replace("\n", "\n    "))
    path = home / ".config/pip/pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w") as target:
        settings.write(target)


GET_PIP = """\
# Stands in for get-pip.py, which is not on PyPI: the pip that comes with Python
# installs the one that is asked for.
import subprocess
import sys

wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"])
subprocess.check_call([sys.executable, "-m", "pip", "install"] + wanted)
"""


def write_get_pip(t: Tester, home: Path) -> None:
    sources = list(t.venv.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    versions = re.findall(r"\bpip='([0-9.]+)'", sources[0].read_text()) if sources else []
    if not versions:
        t.fail("pip for ansible-test", "its version is not where it was in ansible-test: mend tools/test")
        raise StepFailed("pip for ansible-test")
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(versions):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)


def galaxy(t: Tester) -> None:
    """What Galaxy says to the tarball, and that it holds no more than it should."""
    t.must("build", ["ansible-galaxy", "collection", "build", "--output-path", str(DIST)])
    tarball = next(DIST.glob("*.tar.gz"))
    with tarfile.open(tarball) as archive:
        names = {member.name.split("/", 1)[0] for member in archive.getmembers()}
    surplus, size = sorted(names - SHIPPED), tarball.stat().st_size
    if surplus or size > SHIPPED_BYTES:
        t.fail("contents", f"{tarball.name}: {size} bytes, not to be shipped: {', '.join(surplus) or 'nothing'}")
    folder = WORK / "importer"
    folder.mkdir(exist_ok=True)
    config = folder / "galaxy-importer.cfg"
    config.write_text(
        # The stages sanity and lint have asked both, and more sternly.
        "[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_LINT = False\nCHECK_REQUIRED_TAGS = True\n"
    )
    importer = ["python", "-m", "galaxy_importer.main", str(tarball)]
    t.step(
        "galaxy-importer",
        importer,
        cwd=folder,
        findings="ERROR|WARNING",
        env={"GALAXY_IMPORTER_CONFIG": str(config)},
    )


def unit(t: Tester) -> None:
    """pytest, in the folder where Ansible has the collection."""
    # The interpreter of hosts has nothing of the controller's.
    given = os.environ.get("TLSBOOTSTRAP_HOST_PYTHON")
    python, tests = (given, "tests/unit/plugins/module_utils") if given else ("python", "tests/unit")
    t.step(
        "pytest",
        [python, "-m", "pytest", "-n", "auto", "-p", "no:cacheprovider", tests],
        env={"PYTHONPATH": str(WORK / "tree")},
    )


def integration(t: Tester) -> None:
    """The modules as a play calls them, against files and a real API server."""
    t.step("targets", [str(COPY / "tools/integration")], timeout=3600)


def start_lanes(t: Tester) -> None:
    """Run the scenarios beside the other stages: they mostly wait."""
    for niceness, scenarios in LANES:
        t.stage = f"molecule-{scenarios[0]}"
        try:
            run = ["nice", f"-n{niceness}", "bash", "-c", EACH_SCENARIO, str(COPY / "tools/molecule"), *scenarios]
            lane = t.start(run, timeout=4200)
        except OSError as failure:
            say(f"    molecule could not be started: {failure}")
            return
        t.lanes.append((", ".join(scenarios), lane))
        say(f"==> molecule runs {t.lanes[-1][0]} beside the other stages; the log: {lane.log}")
    os.nice(OTHERS)


def molecule(t: Tester) -> None:
    """The scenarios on real hosts, from the built and installed collection."""
    if len(t.lanes) < len(LANES):
        raise StepFailed("it could not be started, see above")
    for scenarios, lane in t.lanes:
        with heartbeat(scenarios, lane):
            t.finish(scenarios, lane, findings="FAILED|ERROR|CRITICAL|fatal|failed|  E  |==>")


@dataclass
class Stage:
    name: str
    run: Callable[[Tester], None]
    needs: tuple[str, ...] = ("setup",)


STAGES = [
    Stage("setup", setup, ()),
    Stage("kubernetes", kubernetes),
    Stage("lint", lint),
    Stage("docs", docs),
    Stage("sanity", sanity),
    Stage("galaxy", galaxy),
    Stage("unit", unit),
    Stage("integration", integration, ("setup", "kubernetes")),
    Stage("molecule", molecule, ("setup", "kubernetes")),
]


@dataclass
class Result:
    name: str
    passed: bool
    taken: float
    note: str = ""


class Runner:
    def __init__(self, wanted: set[str]) -> None:
        self.tester = Tester()
        self.results: list[Result] = []
        self.wanted = wanted

    def passed(self, name: str) -> bool:
        return any(result.name == name and result.passed for result in self.results)

    def run_stage(self, stage: Stage) -> None:
        missing = [name for name in stage.needs if not self.passed(name)]
        if missing:
            self.results.append(Result(stage.name, False, 0, f"not run, for want of {', '.join(missing)}"))
            return
        say(f"==> {stage.name}")
        lanes = self.tester.lanes if stage.name == "molecule" else []
        started = lanes[0][1].started if lanes else time.monotonic()
        self.tester.stage, self.tester.failed_steps = stage.name, []
        try:
            stage.run(self.tester)
        except StepFailed as failure:
            self.tester.failed_steps = self.tester.failed_steps or [str(failure)]
        except Exception as error:  # noqa: BLE001  # a defect in one stage must not hide the others
            self.tester.fail(stage.name, f"{type(error).__name__}: {error}")
        failed = self.tester.failed_steps
        self.results.append(Result(stage.name, not failed, time.monotonic() - started, ", ".join(failed)))

    def run(self) -> None:
        for stage in STAGES:
            if stage.name in self.wanted:
                self.run_stage(stage)
            if stage.name == "kubernetes" and "molecule" in self.wanted and self.passed("kubernetes"):
                start_lanes(self.tester)

    def close(self) -> int:
        width = max(len(result.name) for result in self.results)
        say("")
        for result in self.results:
            word = "passed" if result.passed else "FAILED"
            say(f"{result.name:<{width}}  {word}  {seconds(result.taken):>12}  {result.note}".rstrip())
        failed = sum(not result.passed for result in self.results)
        say(f"\n{len(self.results) - failed} passed, {failed} failed")
        return 1 if failed else 0


def with_needs(names: list[str]) -> set[str]:
    stages = {stage.name: stage for stage in STAGES}
    wanted = set(names or stages)
    for name in list(wanted):
        wanted.update(stages[name].needs)
    return wanted


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another tools/test of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        end_leftovers()
        shutil.rmtree(LOGS, ignore_errors=True)
        yield


def main() -> int:
    names = [stage.name for stage in STAGES]
    parser = argparse.ArgumentParser(description="Test the collection.")
    parser.add_argument("stage", nargs="*", help=f"only these, and what they need: {' '.join(names)}")
    arguments = parser.parse_args()
    unknown = set(arguments.stage) - set(names)
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))} (there are: {', '.join(names)})")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    with only_one():
        runner = Runner(with_needs(arguments.stage))
        try:
            runner.run()
        finally:
            for process in list(runner.tester.running):
                process.end()
        return runner.close()


if __name__ == "__main__":
    sys.exit(main())
