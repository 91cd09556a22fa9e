"""A row of a file as a customer's values, checked by the very fields that check the body of a request."""

from customers import rules
from customers.rules.import_fields import CATALOGUE, CHOICES_OF
from customers.schemas.customers import CustomerIn
from imports.engine.lifecycle import CREATE
from imports.proposal import is_named_by
from imports.rows import ReadRow
from imports.web.reader import FieldReader

# What the service keeps a list of, or knows some words of: what it does not know may be left empty.
CHOICES = (*(field.name for field in CATALOGUE.fields if field.words), "industry", "assigned_to", "source")


class RowReader(FieldReader):
    """Reads rows of customers. One that is to be found by its code may have one that the service gave out."""

    noun = "customer"
    catalogue = CATALOGUE
    choices = CHOICES_OF
    parent_names = ("company_name",)
    load_fields = CustomerIn().load_fields
    of_lines = ("address", "notes")
    members = ("assigned_to",)
    second_phone = "secondary_phone"

    def set_up(self) -> None:
        """See whether the file's customers are companies by its columns."""
        self._of_companies = is_named_by(self._columns, self._mapping, self.catalogue, "company_name")

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a code that the service gave out where a customer can be found by it."""
        if field != "customer_code" or not rules.GENERATED_CODE.match(text):
            return False
        if self.mode == CREATE:
            detail = "Codes of this form are given out by the service; the customer gets one of its own."
            row.warn(field, "code_left_aside", detail, text)
        else:
            row.values[field] = text
        return True

    def complete(self, row: ReadRow) -> None:
        """The company, else the address, is the name of a new customer whose row has none; who is called so is one."""
        values = row.values
        name = values.get("company_name") or values.get("email")
        is_company = self._of_companies
        if "name" not in values:
            if name is None or any(fault.field == "name" for fault in row.faults):
                return
            row.new_values = {"name": name}
            is_company = "company_name" in values
        if is_company and "customer_type" not in values:
            row.new_values["customer_type"] = rules.CUSTOMER_TYPES[1]
