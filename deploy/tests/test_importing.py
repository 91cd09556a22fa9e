"""What `crm import` keeps on disk."""

from pathlib import Path
from typing import IO, Any, cast

from crm.client.api import Api
from crm.client.importing import Imports


class Answering:
    """Answers with the name of what is asked for; at the first question the same file is written by somebody else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = 0

    def save(self, path: str, file: IO[bytes]) -> None:
        self.asked += 1
        if self.asked == 1:
            Imports(cast("Any", self)).save_errors(2, self.path)
        file.write(path.encode())


def test_two_imports_of_one_file_write_their_refused_rows_each_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "people.errors.csv"
    Imports(cast("Api", Answering(path))).save_errors(1, path)
    assert path.read_text().endswith("/1/errors.csv")
    assert list(tmp_path.iterdir()) == [path]
