"""A row of a file as a contact's values, with what it says of whose contact it is."""

from chassis.web.schemas import Id, Text
from customers.rules.contact_import_fields import CATALOGUE
from customers.schemas.contacts import ContactIn
from imports.engine.lifecycle import CREATE
from imports.rows import ReadRow
from imports.web.reader import FieldReader
from people.full_names import name_parts


class _ContactRow(ContactIn):
    """What a row says of a contact and of its customer."""

    name = Text(longest=255)
    customer_id = Id()
    customer_code = Text(longest=50)
    company_name = Text(longest=255)
    website = Text(longest=255)


class ContactReader(FieldReader):
    """Reads rows of contacts; a whole name is taken apart where the file has no parts of it."""

    noun = "contact"
    catalogue = CATALOGUE
    parent_number = "customer_code"
    parent_names = ("company_name",)
    load_fields = _ContactRow().load_fields
    ids = ("id", "customer_id")

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a whole name apart; what the file says of the parts goes before."""
        if field != "name":
            return False
        for part, given in zip(("first_name", "last_name"), name_parts(text), strict=True):
            if given and part not in row.values:
                self.take(row, part, given)
        return True

    def complete(self, row: ReadRow) -> None:
        """The family's name, else the address, is the first name of a new contact whose row has none."""
        if "first_name" in row.values or any(fault.field == "first_name" for fault in row.faults):
            return
        name = row.values.get("last_name") or row.values.get("email")
        if name is None:
            return
        row.new_values = {"first_name": name[:100]}
        if self.mode == CREATE:
            row.values.pop("last_name", None)
