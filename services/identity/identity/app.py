"""The identity service, wired: what its processes have in common."""

from chassis.errors import Conflict, FieldError
from chassis.service import Service, migrations_of
from identity import handlers, models
from identity.commands.member_purges import remove_next_member
from identity.keys import IdentitySettings
from identity.rules import COMPANY_STATUSES, INVITATION_STATUSES, MEMBER_STATUSES

VIEW_NAME_TAKEN = Conflict(
    "view_name_taken",
    "There is a view of this name on this screen already.",
    (FieldError("/name", "taken", "There is a view of this name on this screen already."),),
)

SERVICE = Service(
    name="identity",
    title="Identity",
    settings=IdentitySettings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    schedules=handlers.SCHEDULES,
    purge_steps=(remove_next_member,),
    required=("key_encryption_key",),
    open_codes={
        "company_*": [f"company_{status}" for status in COMPANY_STATUSES if status != "active"],
        "member_*": [f"member_{status}" for status in MEMBER_STATUSES],
        "invitation_*": [f"invitation_{status}" for status in INVITATION_STATUSES if status != "pending"],
    },
    conflicts={
        "uq_companies_email": Conflict(
            "company_email_taken",
            "Another company has registered with this e-mail address.",
            (FieldError("/company/email", "taken", "Another company has registered with this e-mail address."),),
        ),
        "uq_users_email": Conflict(
            "user_email_taken",
            "There is an account with this e-mail address already.",
            (FieldError("/user/email", "taken", "There is an account with this e-mail address already."),),
        ),
        "uq_invitations_pending": Conflict(
            "invitation_pending",
            "This address is invited already; send that invitation again, or withdraw it.",
            (FieldError("/email", "taken", "This address is invited already."),),
        ),
        "uq_saved_views_own": VIEW_NAME_TAKEN,
        "uq_saved_views_shared": VIEW_NAME_TAKEN,
        "uq_user_companies_company_id_user_id": Conflict(
            "already_member", "Somebody with this address is a member of the company already."
        ),
    },
)
