"""The questions of tasks: what somebody has to do, and what was done for a customer."""

import random
from collections.abc import Callable
from pathlib import Path

from bench import size_task_data
from bench.questions import Question, write_question
from bench.size_task_data import CUSTOMERS

TASKS, TENANTS = 100_000, 100


def load(url: str, *, tasks: int, say: Callable[[str], None]) -> None:
    """Fill the empty tasks database at `url`, of a superuser, and analyse it."""
    size_task_data.fill(url, dict.fromkeys(range(1, TENANTS + 1), tasks // TENANTS), say)


def write(folder: Path, sign: Callable[[int, int], str]) -> list[Question]:
    """Write the questions' files; `sign` makes a token of (company, user)."""
    chance = random.Random(4)
    companies = chance.sample(range(1, TENANTS + 1), TENANTS)
    tokens = {company: sign(company, size_task_data.user_of(company)) for company in companies}
    visits = [(company, chance.randrange(1, CUSTOMERS + 1)) for _ in range(20) for company in companies]
    mine = [(company, size_task_data.user_of(company)) for company in companies]
    return [
        write_question(
            folder,
            "my open tasks",
            0.45,
            [
                ("GET", f"/v1/tasks?assigned_to={user}&open=true&sort=due_date&limit=50", tokens[company], "-")
                for company, user in mine
            ],
            [("GET", f"/{company}/tasks/{user}", "-", "-") for company, user in mine],
            service="tasks",
        ),
        write_question(
            folder,
            "timeline of a customer",
            0.45,
            [
                ("GET", f"/v1/timeline?customer_id={customer}&limit=50", tokens[company], "-")
                for company, customer in visits
            ],
            [("GET", f"/{company}/timeline/{customer}", "-", "-") for company, customer in visits],
            service="tasks",
        ),
    ]
