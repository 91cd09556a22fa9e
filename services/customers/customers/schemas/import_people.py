"""A row of a file as the values of a company and of somebody who works there."""

from chassis.web.schemas import Email, Phone, Text
from customers import rules
from customers.rules.import_fields import CHOICES_OF
from customers.rules.people_import_fields import CATALOGUE, names_company, names_person
from customers.schemas.customers import CustomerIn
from imports.rows import ReadRow
from imports.web.reader import FieldReader
from people.full_names import name_parts

_CODES = ("customer_code", "contact_code")


class _PeopleRow(CustomerIn):
    """What a row says of a company and of a person."""

    first_name = Text(longest=100)
    last_name = Text(longest=100)
    job_title = Text(longest=100)
    contact_code = Text(longest=50)
    company_email = Email()
    company_phone = Phone()


class PeopleReader(FieldReader):
    """Reads rows of companies and people; a whole name is kept, and taken apart where the file has no parts of it."""

    noun = "customer"
    catalogue = CATALOGUE
    choices = CHOICES_OF
    parent_number = "customer_code"
    parent_names = ("company_name",)
    load_fields = _PeopleRow().load_fields
    ids = ()
    of_lines = ("address", "notes")
    members = ("assigned_to",)
    second_phone = "secondary_phone"

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a whole name apart, and leave codes aside that the service gave out."""
        if field == "name":
            for part, given in zip(("first_name", "last_name"), name_parts(text), strict=True):
                if given and part not in row.values:
                    self.take(row, part, given)
        elif field in _CODES and rules.GENERATED_CODE.match(text):
            # It may be of another company's customers, or be given out to a row of this very file.
            detail = "Codes of this form are given out by the service; what the customer is called counts."
            row.warn(field, "code_left_aside", detail, text)
            return True
        return False

    def is_found(self, row: ReadRow, match_by: str) -> bool:
        """Who has a company is found by the name too, and so are companies."""
        return names_company(row.values) or super().is_found(row, match_by)

    def complete(self, row: ReadRow) -> None:
        """The family's name, else the address, is the name of somebody new whose row has none."""
        values = row.values
        if values.get("company_name") is not None and not names_person(values) and "contact_code" in values:
            # A row of a company alone has that one's number.
            values.setdefault("customer_code", values.pop("contact_code"))
        if not names_person(values) or any(fault.field in ("first_name", "name") for fault in row.faults):
            return
        if names_company(values):
            if "first_name" not in values:
                row.new_values = {"first_name": (values.get("last_name") or values["email"])[:100]}
        elif not {"name", "first_name", "last_name"} & values.keys():
            row.new_values = {"name": values["email"]}
