"""Keys of the leads that there are are made anew by an operator."""

from chassis.db.session import Database
from chassis.rekeying import Rekeying
from pipeline.operators import KEYED

QUERY = "SELECT email_norm, phone_tail, name_norm, version FROM leads WHERE company_id = %s"


def test_keys_of_leads_that_are_old_are_made_anew(migrated, superuser, company_id, create_lead):
    create_lead(lead_name="Müller", email="Info@Müller.example", phone="+49 30 1234567")
    before = superuser.execute(QUERY, (company_id,)).fetchall()
    spoil = "UPDATE leads SET email_norm = 'old', phone_tail = NULL, name_norm = 'old' WHERE company_id = %s"
    superuser.execute(spoil, (company_id,))
    database = Database(migrated("pipeline").owner, application_name="rekeying")
    try:
        said = []
        Rekeying(database, KEYED, said.append).run(company_id)
    finally:
        database.dispose()
    assert f"company {company_id}: leads 1 of 1 made anew" in said
    assert superuser.execute(QUERY, (company_id,)).fetchall() == before
