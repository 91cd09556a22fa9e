"""What it means to a client that a constraint of the tables refuses what they have sent."""

from collections.abc import Mapping

from chassis.errors import AppError, Conflict, FieldError, Invalid
from customers.models import USERS

_CODE_TAKEN = (
    "Another customer has this code. An archived one, which can be restored, is found by"
    " ?archived_at[is_null]=false&customer_code=."
)
CONFLICTS: Mapping[str, AppError] = {
    "uq_customers_company_id_customer_code": Conflict(
        "customer_code_taken",
        _CODE_TAKEN,
        (FieldError("/customer_code", "taken", _CODE_TAKEN),),
    ),
    "uq_customers_name_live": Conflict(
        "customer_exists",
        "There is a customer of this name at this company already.",
        (FieldError("/name", "taken", "There is a customer of this name at this company already."),),
    ),
    "uq_industries_company_id_name": Conflict(
        "industry_exists",
        "There is such an industry already.",
        (FieldError("/name", "taken", "There is such an industry already."),),
    ),
    "fk_customers_company_id_industry": Invalid(
        "unknown_industry",
        "There is no such industry in this company.",
        (FieldError("/industry", "unknown_reference", "There is no such industry in this company."),),
    ),
    "fk_customers_company_id_assigned_to": USERS.unknown("/assigned_to"),
}
