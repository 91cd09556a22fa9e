"""Pipeline and customers, both of them real, with a broker between them that does as a test says."""

import uuid

import psycopg
import pytest

from chassis.broker.consumer import Consumer
from chassis.broker.handling import handle
from chassis.db.session import Database
from chassis.events import decode
from chassis.service import load
from chassis.testing.fixtures import Client

SCOPE = "leads:read leads:write leads:purge deals:read deals:write customers:read customers:write pipelines:write"
STARTED, SUCCEEDED = "crm.conversion.started.v1", "crm.conversion_result.succeeded.v1"


class DiedError(Exception):
    """The process ended before it could commit."""


class Saga:
    """Both services of one company, with a broker between them that does as the test says."""

    def __init__(self, clients, databases, superusers, company_id):
        self.clients = clients
        self.superusers = superusers
        self._company_id = company_id
        self._consumers = {
            service: Consumer(
                effects=database,
                notes=database,
                broker_url="",
                service=service,
                subscriptions=load(service).subscriptions,
            )
            for service, database in databases.items()
        }
        self.pipeline, self.customers = clients["pipeline"], clients["customers"]

    def told(self, service, event_type=None):
        rows = self.superusers[service].execute(
            "SELECT body FROM outbox WHERE company_id = %s ORDER BY id", (self._company_id,)
        )
        events = [decode(bytes(body)) for (body,) in rows.fetchall()]
        return [event for event in events if event_type in (None, event.type)]

    def deliver(self, source, *types, die=False):
        """Deliver the events of these types, however often they were delivered before."""
        target = {"pipeline": "customers", "customers": "pipeline"}[source]
        events = [event for event_type in types for event in self.told(source, event_type)]
        assert events or die is None, types
        for event in events:
            consumer = self._consumers[target]
            if die:
                with pytest.raises(DiedError):
                    self._die_before_commit(consumer, event)
            consumer._transact([event])

    @staticmethod
    def _die_before_commit(consumer, event):
        def handle_and_die(*given):
            handle(*given)
            raise DiedError

        assert event.type in consumer._subscriptions.handlers
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chassis.broker.consumer.handle", handle_and_die)
            consumer._transact([event])

    def run(self):
        self.deliver("pipeline", STARTED)
        self.deliver("customers", SUCCEEDED)

    def lead(self, **values):
        given = {
            "lead_name": f"Ada {uuid.uuid4()}",
            "estimated_value": "500.00",
            "email": f"{uuid.uuid4()}@example.com",
        }
        answer = self.pipeline.post("/v1/leads", json=given | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    def customer(self, **values):
        answer = self.customers.post("/v1/customers", json={"name": f"Bea {uuid.uuid4()}"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    def convert(self, lead, client=None, **body):
        return (client or self.pipeline).post(f"/v1/leads/{lead['id']}/convert", json=body)

    def begin(self, lead, **body):
        answer = self.convert(lead, **body)
        assert answer.status_code == 202, answer.json
        assert answer.headers["Location"] == f"/v1/conversions/{answer.json['id']}"
        return answer.json

    def conversion(self, begun):
        return self.pipeline.get(f"/v1/conversions/{begun['id']}").json

    def rows(self, kind):
        service = "customers" if kind in ("customers", "contacts") else "pipeline"
        return self.clients[service].get(f"/v1/{kind}?limit=100").json["data"]

    def counts(self):
        return len(self.rows("customers")), len(self.rows("deals")), self.states()

    def states(self):
        return [row["status"] for row in self.rows("leads")]


@pytest.fixture(scope="module")
def converting(application_of, customers_serving, identity_url, service_key):
    urls = f"identity={identity_url} customers={customers_serving.url}"
    return application_of("pipeline", service_urls=urls, service_key=service_key)


@pytest.fixture(scope="module")
def identity_url(serving):
    return serving.url


@pytest.fixture(scope="module")
def databases(migrated):
    found = {name: Database(migrated(name).app) for name in ("pipeline", "customers")}
    yield found
    for database in found.values():
        database.dispose()


@pytest.fixture
def scoped(converting, applications, tokens, company_id):
    def build(scope=SCOPE, user_id="7"):
        token = tokens.sign(company_id=company_id, sub=user_id, scope=scope)
        applied = {"pipeline": converting, "customers": applications["customers"]}
        return {name: Client(application.test_client(), token) for name, application in applied.items()}

    return build


@pytest.fixture
def saga(scoped, databases, migrated, company_id):
    superusers = {name: psycopg.connect(migrated(name).superuser, autocommit=True) for name in databases}
    for connection in superusers.values():
        connection.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 7), (%s, 8)", (company_id,) * 2)
    yield Saga(scoped(), databases, superusers, company_id)
    for connection in superusers.values():
        connection.close()


@pytest.fixture
def refusal():
    """The status and the code of an answer."""
    return lambda answer: (answer.status_code, answer.json["code"])
