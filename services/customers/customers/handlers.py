"""Every event that the customers service consumes, and what it does about it."""

from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Session
from chassis.events import Event
from customers.commands.company_references import save_company_reference
from customers.commands.user_references import save_user_reference


def on_user_joined(session: Session, event: Event) -> None:
    """Know the user whom customers of this company can be assigned to."""
    membership = event.data["after"]
    user = membership["user"]
    save_user_reference(
        session,
        membership["user_id"],
        event.aggregate_version,
        {
            "name": f"{user['first_name']} {user['last_name']}",
            "email": user["email"],
            "is_active": user["is_active"],
        },
    )


def on_company(session: Session, event: Event) -> None:
    """Know where the company is and what it has set."""
    company = event.data["after"]
    values = {"region": company["region"], "settings": company["settings"]}
    save_company_reference(session, event.aggregate_version, values)


SUBSCRIPTIONS = Subscriptions(
    bindings=("*.user_company.*.v1", "*.company.*.v1"),
    handlers={"crm.user_company.created.v1": on_user_joined, "crm.company.created.v1": on_company},
)
