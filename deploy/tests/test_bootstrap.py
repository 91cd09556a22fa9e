"""Stage 0: what it finds missing, what it says, and that it leaves the machine's own services alone."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from crm import programs

DEPLOY = Path(__file__).parent.parent


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", DEPLOY / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def etc(bootstrap, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(bootstrap, "CLUSTER_CONFIGURATION", tmp_path / "postgresql-common" / "createcluster.conf")
    return tmp_path


def binaries(root, version, *names):
    folder = root / version / "bin"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_newest_postgres_with_a_server_is_chosen(tmp_path):
    binaries(tmp_path, "15", "postgres", "initdb")
    newest = binaries(tmp_path, "17", "postgres", "initdb")
    binaries(tmp_path, "18", "psql")
    assert programs.postgres_folder(tmp_path) == newest


def test_a_postgres_that_is_too_old_counts_as_missing(tmp_path):
    binaries(tmp_path, "14", "postgres", "initdb")
    assert programs.postgres_folder(tmp_path) is None


def test_the_install_line_names_every_package_and_needs_sudo_only_for_others_than_root():
    line = programs.install_line([programs.POSTGRES, programs.RABBITMQ], root=False)
    assert line == "sudo apt-get install -y --no-install-recommends postgresql rabbitmq-server"
    assert programs.install_line([programs.WRK], root=True).startswith("apt-get ")


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ([], []),
        (["--bench"], [programs.WRK]),
        (["--faults"], [programs.PGBACKREST, programs.PROMETHEUS]),
        (["--compose-test"], [programs.DOCKER, programs.IPTABLES, programs.DEBOOTSTRAP]),
    ],
)
def test_each_command_asks_for_what_it_needs(bootstrap, monkeypatch, options, more):
    monkeypatch.setattr(bootstrap.modes, "engine_answers", lambda: False)
    assert bootstrap.wanted_packages(options) == [*programs.SERVERS, *more]


def test_a_stack_with_an_archive_asks_for_what_makes_it(bootstrap, monkeypatch):
    monkeypatch.setenv("CRM_ARCHIVE", "/mnt/archive")
    assert bootstrap.wanted_packages(["--run", "--mode", "native"]) == [*programs.SERVERS, programs.PGBACKREST]


def test_a_machine_with_an_engine_installs_none(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.modes, "engine_answers", lambda: True)
    assert programs.DOCKER not in bootstrap.wanted_packages(["--compose-test"])


@pytest.mark.parametrize(("there", "missing"), [((), True), (("docker",), True), (("docker", "dockerd"), False)])
def test_the_client_alone_is_no_docker_engine(tmp_path, monkeypatch, there, missing):
    for name in there:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setattr(programs, "SYSTEM_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (programs.missing_packages([programs.DOCKER]) == [programs.DOCKER]) is missing


def test_without_privilege_it_prints_one_line_and_fails(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "privilege", lambda: None)
    with pytest.raises(SystemExit) as caught:
        bootstrap.install_packages([programs.HAPROXY])
    assert caught.value.code == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert programs.install_line([programs.HAPROXY]) in message


def test_services_are_kept_from_starting_during_the_installation_only(bootstrap, etc):
    policy = etc / "policy-rc.d"
    with bootstrap.services_kept_from_starting([]):
        assert subprocess.run([policy], check=False).returncode == 101
        assert "create_main_cluster = false" in bootstrap.CLUSTER_CONFIGURATION.read_text()
    assert not policy.exists()


def test_a_policy_of_the_machine_comes_back_when_the_installation_fails(bootstrap, etc):
    policy = etc / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)

    def fail():
        with bootstrap.services_kept_from_starting([]):
            raise RuntimeError("the package index is down")

    with pytest.raises(RuntimeError, match="index is down"):
        fail()
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert [path.name for path in etc.iterdir() if "policy" in path.name] == ["policy-rc.d"]


def test_a_policy_saved_by_a_run_that_was_killed_survives_the_next_run(bootstrap, etc):
    (etc / "policy-rc.d.before-crm").write_text("theirs")
    (etc / "policy-rc.d").write_text(bootstrap.OUR_POLICY)
    with bootstrap.services_kept_from_starting([]):
        pass
    assert (etc / "policy-rc.d").read_text() == "theirs"


def test_a_policy_of_ours_that_a_killed_run_left_goes_with_the_next_run(bootstrap, etc):
    (etc / "policy-rc.d").write_text(bootstrap.OUR_POLICY)
    with bootstrap.services_kept_from_starting([]):
        pass
    assert not (etc / "policy-rc.d").exists()


def test_a_cluster_configuration_that_exists_is_left_alone(bootstrap, etc):
    bootstrap.CLUSTER_CONFIGURATION.parent.mkdir()
    bootstrap.CLUSTER_CONFIGURATION.write_text("ssl = on\n")
    with bootstrap.services_kept_from_starting([]):
        pass
    assert bootstrap.CLUSTER_CONFIGURATION.read_text() == "ssl = on\n"


def python(path, *, version=sys.version_info[:2], pip=True):
    """A Python that answers as one of this version would, with or without Debian's package for environments."""
    modules = path.parent / f"{path.name}-modules"
    modules.mkdir()
    said = f"import sys\nsys.version_info = ({version[0]}, {version[1]}, 0)\n"
    (modules / "ensurepip.py").write_text(said if pip else "raise ImportError\n")
    path.write_text(f'#!/bin/sh\nPYTHONPATH={modules} exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def test_the_environment_is_made_with_the_python_of_the_images(bootstrap, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(bootstrap, "DISTRIBUTION_PYTHON", python(tmp_path / "python3"))
    assert bootstrap.interpreter() == str(tmp_path / "python3")


@pytest.mark.parametrize("unfit", [{"pip": False}, {"version": (3, 12)}, {"version": (3, 9)}])
def test_a_python_that_cannot_is_passed_over(bootstrap, tmp_path, monkeypatch, unfit):
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(bootstrap, "DISTRIBUTION_PYTHON", python(tmp_path / "python3", **unfit))
    assert bootstrap.interpreter() == sys.executable


def test_a_machine_without_one_takes_the_python_that_runs_this(bootstrap, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(bootstrap, "DISTRIBUTION_PYTHON", tmp_path / "python3")
    assert bootstrap.interpreter() == sys.executable


def test_whoever_names_a_python_gets_that_one(bootstrap, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "DISTRIBUTION_PYTHON", python(tmp_path / "python3"))
    monkeypatch.setenv("PYTHON", "python3.13")
    assert bootstrap.interpreter() == sys.executable


@pytest.fixture
def installed(bootstrap, tmp_path, monkeypatch):
    """A checkout of lock files alone, and what has been installed in it so far."""
    done = []
    for name in ("operator", "developer"):
        lock = tmp_path / f"{name}.txt"
        lock.write_text(f"{name}==1\n")
        monkeypatch.setattr(bootstrap, f"{name.upper()}_REQUIREMENTS", lock)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "make_venv", lambda: None)
    monkeypatch.setattr(bootstrap, "byte_compile", lambda: None)
    monkeypatch.setattr(bootstrap, "install_pinned", lambda path: done.append(path.stem))
    monkeypatch.setattr(bootstrap, "install_in_place", lambda packages: done.append(len(packages)))
    return done


def test_what_a_stack_needs_is_installed_without_what_tests_need(bootstrap, installed):
    bootstrap.install_python_packages(for_developers=False)
    bootstrap.install_python_packages(for_developers=False)
    assert installed == ["operator", len(bootstrap.PACKAGES)]


def test_what_tests_need_comes_on_top_and_once(bootstrap, installed):
    bootstrap.install_python_packages(for_developers=False)
    bootstrap.install_python_packages(for_developers=True)
    bootstrap.install_python_packages(for_developers=True)
    bootstrap.install_python_packages(for_developers=False)
    assert installed == ["operator", len(bootstrap.PACKAGES), "developer"]


@pytest.mark.parametrize("changed", ["operator", "developer"])
def test_a_changed_requirement_is_installed_and_nothing_else(bootstrap, installed, tmp_path, changed):
    bootstrap.install_python_packages(for_developers=True)
    installed.clear()
    (tmp_path / f"{changed}.txt").write_text("another==2\n")
    bootstrap.install_python_packages(for_developers=True)
    assert [name for name in installed if isinstance(name, str)] == [changed]


def test_an_installation_that_was_interrupted_begins_again(bootstrap, installed, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "byte_compile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.install_python_packages(for_developers=False)
    bootstrap.install_python_packages(for_developers=False)
    assert installed == ["operator", len(bootstrap.PACKAGES)] * 2


def test_every_package_of_the_repository_is_built_for_use_in_place(bootstrap, tmp_path):
    packages = [str(package) for package in bootstrap.PACKAGES]
    subprocess.run([sys.executable, "-c", bootstrap.EDITABLE_WHEELS, tmp_path, *packages], check=True)
    places = set()
    for wheel in tmp_path.glob("crm_*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            places |= {archive.read(name).decode().strip() for name in archive.namelist() if name.endswith(".pth")}
    assert places == set(packages)


def test_an_old_python_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    spec = importlib.util.spec_from_file_location("bootstrap", DEPLOY / "bootstrap.py")
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed; this is 3\.9"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
