"""`crm import` against a whole system: what it shows, asks, leaves behind, and its exit status."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from crm import cli
from crm.client.api import Api, RefusedError, fixed
from crm.client.importing import Imports, Options

pytestmark = pytest.mark.xdist_group("stack")

# Below a shell's `&` a process ignores Ctrl-C, which a person at a terminal does not have.
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from crm.cli import main; main()"
FAULTY = "Name,E-Mail,Colour\nAda,ada@b.example,red\nBea,nonsense,blue\nCleo,cleo@b.example,\n"


class Company:
    """A company of the test, and the command line in the name of its admin."""

    def __init__(self, stack, sent, token):
        self._user = {name: sent["user"][name] for name in ("email", "password")}
        self.url = f"{stack.gateway_url}/v1"
        self.environment = {"CRM_TOKEN": token, "CRM_URL": self.url, "CRM_HOME": str(stack.home)}
        self._headers = {"Authorization": f"Bearer {token}"}

    def run(self, *arguments, answer=None, **environment):
        done = CliRunner().invoke(
            cli.main, ["import", *map(str, arguments)], input=answer, env=self.environment | environment
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    def sign_in(self):
        return requests.post(f"{self.url}/auth/login", json=self._user, timeout=10).json()["access_token"]

    def get(self, path):
        answer = requests.get(f"{self.url}{path}", headers=self._headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def names(self):
        return [customer["name"] for customer in self.get("/customers?sort=name")]

    def states(self):
        return [known["state"] for known in self.get("/customers/imports")]


@pytest.fixture
def company(stack, register):
    sent, registered = register(f"{stack.gateway_url}/v1")
    return Company(stack, sent, registered["access_token"])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text(FAULTY)
    return path


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CRM_TOKEN", "a\nb", "is no access token"),
        ("CRM_TOKEN", "日", "is no access token"),
        ("CRM_URL", "nonsense", "is not of the form http://host:port"),
        ("CRM_URL", "http://127.0.0.1:99999", "is not of the form http://host:port"),
        ("CRM_URL", "ftp://127.0.0.1", "is not of the form http://host:port"),
    ],
)
def test_a_token_or_an_address_that_cannot_be_one_is_refused_with_a_sentence(company, file, name, value, sentence):
    done = company.run(file, **{name: value})
    assert done.exit_code != 0
    assert sentence in done.output


def test_a_name_that_is_no_text_and_cells_that_steer_a_terminal_do_no_harm(company, tmp_path):
    file = tmp_path / os.fsdecode(b"k\xe4ufer.csv")
    file.write_text("Name,\x1b[2JCity\nAda,\u202enogard\n")
    done = company.run(file, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "?[2JCity" in done.output
    assert not {"\x1b", "\u202e"} & set(done.output)


def test_control_c_before_anybody_knows_the_import_leaves_none_behind(company):
    class Interrupted(Api):
        answers = 0

        def ask(self, *arguments, **options):
            answer = super().ask(*arguments, **options)
            self.answers += 1
            if self.answers == 1:
                raise KeyboardInterrupt
            return answer

    api = Interrupted(company.url, fixed(company.environment["CRM_TOKEN"]))
    with pytest.raises(KeyboardInterrupt):
        Imports(api).begin("customers.csv", Options())
    assert company.states() == ["cancelled"]


def test_where_its_output_goes_nowhere_no_import_is_left_behind(company, file):
    read, write = os.pipe()
    os.close(read)
    with Path("/dev/full").open("wb") as full, os.fdopen(write, "wb") as unread:
        for output, reason in ((full, b"No space left"), (unread, b"")):
            command = [sys.executable, "-c", "from crm.cli import main; main()", "import", str(file), "--dry-run"]
            environment = os.environ | company.environment
            done = subprocess.run(
                command, env=environment, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False
            )
            assert done.returncode == 1
            assert reason in done.stderr
            assert b"Traceback" not in done.stderr
    assert company.states() == ["cancelled", "cancelled"]


def test_a_file_with_a_fault_goes_in_but_for_that_row_and_can_be_mended_and_reverted(company, file):
    done = company.run(file, "--yes", "--map", "Colour=notes")
    assert done.exit_code == 1
    assert company.names() == ["Ada", "Cleo"]
    for shown in ("utf-8, columns divided by ,", "would create: 2", "would refuse: 1", "2 created", "1 refused"):
        assert shown in done.output
    assert [line.split()[:2] for line in done.output.splitlines() if "notes" in line] == [["Colour", "notes"]]
    assert any(line.startswith("3     E-Mail") for line in done.output.splitlines())
    # No bar and no colours where there is no terminal.
    assert not {"\r", "\033", "█"} & set(done.output)

    errors = file.with_name("customers.errors.csv")
    assert errors.read_bytes().startswith("\ufeffName,E-Mail,Colour,import_error\r\nBea,nonsense,blue,".encode())
    errors.write_text(errors.read_text().replace("nonsense", "bea@b.example", 1))
    again = company.run(errors, "--yes")
    assert again.exit_code == 0, again.output
    assert company.names() == ["Ada", "Bea", "Cleo"]

    first = company.get("/customers/imports?sort=created_at")[0]["id"]
    assert f"crm import --revert {first}" in done.output
    undone = company.run("--revert", first)
    assert undone.exit_code == 0, undone.output
    assert "2 rows undone" in undone.output
    assert company.names() == ["Bea"]


def test_a_dry_run_and_a_no_import_nothing_and_leave_nothing_open(company, file):
    done = company.run(file, "--dry-run")
    assert (done.exit_code, company.names()) == (1, [])
    assert file.with_name("customers.errors.csv").exists()
    file.write_text("Name\nAda\n")
    assert company.run(file, "--dry-run").exit_code == 0
    declined = company.run(file, answer="n\n")
    assert "Import 1 rows?" in declined.output
    assert (declined.exit_code, company.names()) == (1, [])
    assert company.states() == ["cancelled"] * 3


def test_customers_are_updated_by_email_and_nothing_is_done_where_nothing_changes(company, file):
    file.write_text("Name\tE-Mail\tCity\nAda\tada@b.example\tBonn\n")
    assert company.run(file, "--yes", "--delimiter", "tab").exit_code == 0
    file.write_text("Mail,Name,City\nADA@b.example,Ada,Köln\n", encoding="cp1252")
    update = ("--mode", "update", "--match-by", "email", "--yes", "--encoding", "cp1252")
    done = company.run(file, *update, "--map", "Name=")
    assert done.exit_code == 0, done.output
    assert "1 updated" in done.output
    assert company.get("/customers")[0]["city"] == "Köln"
    assert "there is nothing to import" in company.run(file, *update).output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "Name a file"),
        (("--mode", "update"), 1, "update needs match_by"),
        (("--map", "Nowhere=name"), 1, "the file has no column 'Nowhere'; it has: Name, E-Mail, Colour"),
        (("--map", "Name=", "--map", "E-Mail="), 1, "No column is mapped to name"),
        (("--map", "Name"), 2, "not of the form 'Column=field'"),
        (("--all-or-nothing", "--yes"), 1, "all or nothing, and rows would be refused"),
        (("--token", "expired"), 1, "the access token has expired or is not good; tokens live 10 minutes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_go_on_says_why_and_leaves_nothing_open(company, file, arguments, status, said):
    done = company.run(*([file] if arguments else []), *arguments)
    assert said in done.output
    assert done.exit_code == status
    assert "Traceback" not in done.output
    assert set(company.states()) <= {"cancelled"}


def test_a_token_that_ends_on_the_way_is_replaced_where_that_is_possible(stack, company):
    tokens = []

    def sign_in():
        tokens.append(company.sign_in())
        return tokens[-1]

    api = Api(company.url, sign_in)
    api.get("/customers")
    api.post("/auth/logout")
    deadline = time.monotonic() + 10
    while len(tokens) == 1:
        assert time.monotonic() < deadline
        assert api.get("/customers").status == 200
    with pytest.raises(RefusedError, match="expired or is not good"):
        Api(company.url, fixed(tokens[0])).get("/customers")


def test_control_c_while_it_runs_cancels_it_and_says_how_to_undo_it(company, file):
    file.write_text("Name\n" + "".join(f"Customer {number:06}\n" for number in range(30_000)))
    process = subprocess.Popen(
        [sys.executable, "-c", HEEDING, "import", str(file), "--yes"],
        env=os.environ | company.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "would create: 30,000" in line:
            break
    while not company.get("/customers?limit=1"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    known = company.get("/customers/imports")[0]
    assert known["state"] == "cancelled"
    assert 0 < known["created_rows"] < 30_000
    assert f"import {known['id']}: {known['created_rows']:,} created" in output
    assert f"crm import --revert {known['id']}" in output


INPUTS = Path(__file__).parents[2] / "services" / "customers" / "tests" / "inputs"


def test_a_company_moves_in_with_the_exports_of_hubspot_and_of_google_in_german(company):
    companies = company.run(INPUTS / "hubspot-companies.csv", "--yes")
    assert companies.exit_code == 0, companies.output
    assert "people and where they work" not in companies.output
    for name, created in (("hubspot-contacts", 4), ("google-german", 5)):
        done = company.run(INPUTS / f"{name}.csv", answer="y\n")
        assert done.exit_code == 0, done.output
        assert "a company becomes a customer, people its contacts" in done.output
        assert "--record-type customer " in done.output
        assert f"{created} created" in done.output
    assert {"Blechwerk Ahorn GmbH", "Fromagerie du Lac", "Lund AB", "Luzie Groß"} <= set(company.names())
    [found] = company.get("/customers?q=woerrlein")
    people = company.get(f"/customers/{found['id']}/contacts")
    assert {person["first_name"] for person in people} == {"Änne", "Jörg P."}


def test_what_the_rows_are_is_left_to_who_says_it(company, tmp_path):
    file = INPUTS / "google-german.csv"
    said = company.run(file, "--yes", "--record-type", "customer")
    assert said.exit_code == 0, said.output
    assert (len(company.names()), company.get("/contacts")) == (5, [])
    mapped = company.run(file, "--dry-run", "--map", "Notizen=")
    assert "with --record-type customer_and_contact a company becomes a customer" in mapped.output
    both = company.run(file, "--yes", "--record-type", "customer_and_contact", "--map", "Notizen=")
    assert both.exit_code == 0, both.output
    assert len(company.get("/contacts")) == 3
    # A table with one name and no more may mean the customer.
    plain = tmp_path / "plain.csv"
    plain.write_text("Name,Company\nAda,Acme\n")
    assert "where they work" not in company.run(plain, "--dry-run").output
    customer = company.get("/customers?sort=name")[0]
    people = tmp_path / "people.csv"
    people.write_text(f"First name,Last name,CRM customer ID\nEva,Alm,{customer['id']}\n")
    done = company.run(people, "--yes")
    assert done.exit_code == 0, done.output
    assert "hold people at customers that are there" in done.output
    assert "Eva" in [person["first_name"] for person in company.get(f"/customers/{customer['id']}/contacts")]


def test_deals_come_in_from_a_file_and_are_taken_back(company, tmp_path):
    customers = tmp_path / "customers.csv"
    customers.write_text("Name,Code\nAcme,9001\n")
    assert company.run(customers, "--yes").exit_code == 0
    file = tmp_path / "deals.csv"
    file.write_text("Deal name,Customer code,Amount\nPumps,9001,100.00\nValves,9001,7.50\nGhost,nobody,1\n")
    done = company.run(file, "--record-type", "deal", answer="y\n")
    assert done.exit_code == 1, done.output
    assert "Import 2 rows?" in done.output
    assert "There is no such customer." in done.output
    assert {deal["deal_name"]: deal["deal_value"] for deal in company.get("/deals")} == {
        "Pumps": "100.00",
        "Valves": "7.50",
    }
    assert file.with_suffix(".errors.csv").read_text(encoding="utf-8-sig").count("\n") == 2
    import_id = company.get("/deals/imports")[0]["id"]
    again = f"--revert {import_id} --record-type deal"
    assert f"crm import {again}" in done.output
    back = company.run(*again.split())
    assert back.exit_code == 0, back.output
    assert company.get("/deals") == []
