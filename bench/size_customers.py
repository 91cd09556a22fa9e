"""What is asked of customers, to compare a million of them with a thousand."""

from collections.abc import Mapping
from urllib.parse import urlencode

from bench import size_data
from bench.size_subject import Ask, Subject

LISTS: Mapping[str, Ask] = {
    "list, first page": lambda _: "",
    "list, page in the middle": lambda row: f"cursor={row['cursor']}",
    "list, sort=name": lambda _: "sort=name",
    "list, sort=name, in the middle": lambda row: f"sort=name&cursor={row['name_cursor']}",
    "list, sort=-updated_at": lambda _: "sort=-updated_at",
    "list, sort=company_name": lambda _: "sort=company_name",
    "list, sort=company_name, in the middle": lambda row: f"sort=company_name&cursor={row['company_cursor']}",
    "list, sort=-status": lambda _: "sort=-status",
    "list, sort=city": lambda _: "sort=city",
    "list, tag": lambda _: "tag=vip",
    "list, status": lambda _: "status=lost",
    "list, type": lambda _: "customer_type=business",
    "list, industry": lambda _: "industry=Retail",
    # Of a thousand customers some thirty are of one city or are archived, and 17 have a part of a name: a page of
    # fewer is full in each of the four.
    "list, city": lambda row: urlencode({"city": row["city"], "limit": 20}),
    "list, country": lambda _: "country=Japan",
    "list, source": lambda _: "source=fair",
    "list, priority": lambda _: "priority=high",
    "list, assignee": lambda row: f"assigned_to={row['user']}",
    "list, creator": lambda row: f"created_by={row['user']}",
    "list, created since": lambda row: urlencode({"created_at[gte]": row["created_at"]}),
    "list, archived": lambda _: "archived_at[is_null]=false&limit=20",
    "list, code": lambda row: f"customer_code={row['customer_code']}",
    "list, e-mail": lambda row: urlencode({"email": row["email"]}),
    "list, phone": lambda row: urlencode({"phone": row["phone"]}),
    "list, name": lambda row: urlencode({"name": row["name"]}),
    "list, part of a name": lambda _: urlencode({"name[contains]": "müll", "limit": 10}),
    "list, common part of a name": lambda _: urlencode({"name[contains]": "son", "limit": 20}),
    "list, part of few names, more e-mails": lambda _: urlencode({"name[contains]": "tin", "limit": 10}),
    "list, part of few names, many e-mails": lambda _: urlencode({"name[contains]": "web", "limit": 10}),
    "search, code": lambda row: f"q={row['customer_code']}",
    "search, beginning of a name": lambda row: urlencode({"q": row["name"][:-2]}),
    "search, without accents": lambda _: "q=zoe+muller",
    "search, typing error": lambda _: "q=ivanvoa+quentin",
    "search, e-mail": lambda row: urlencode({"q": row["email"]}),
    "search, phone": lambda row: urlencode({"q": row["phone"]}),
    "search, company": lambda row: urlencode({"q": row["company_name"]}),
    "search, a common name": lambda _: "q=weber",
    "search, part of nearly all": lambda _: "q=example",
    "search, nothing found": lambda _: "q=xylophonist",
}
OWN: Mapping[str, Ask] = {
    "own list, first page": lambda _: "",
    "own list, sort=name": lambda _: "sort=name",
    "own search, a common name": lambda _: "q=weber",
}
# They count all of a tenant's customers.
REPORTED: Mapping[str, Ask] = {
    "facets": lambda _: "/v1/customers/facets",
    "tags": lambda _: "/v1/customers/tags",
}
_METHOD = """
Facets and tags count all of a tenant's customers and are only reported.

What grows with the company does so for a reason that is known. `contains` reads and sorts those that the search's index
names, in a company ten times as large ten times as many, whoever else there is. Where more than a thousand may have the
part, a page of them is looked for in the list until it is full; so is one of a field that is not searched, such as
`city`, as no index serves a part of a text below row-level security ([ADR 0015](adr/0015-search-below-row-level-
security.md)). A list of one's own that is not sorted by its creation sorts all that are one's own, by what their index
holds. A search reads keys that are of a tenant and three characters together, so the customers of others cost it
nothing; what it ranks is bounded (200).
"""

CUSTOMERS = Subject(
    name="customers",
    service="customers",
    create=size_data.create,
    user_of=size_data.user_of,
    scope="customers:read",
    own_scope="customers:read:own",
    rows="SELECT id, name, city, customer_code, email, phone, company_name, created_at::text FROM customers"
    " WHERE company_id = %s AND company_name IS NOT NULL AND archived_at IS NULL ORDER BY hashint8(id) LIMIT 40",
    columns=("id", "name", "city", "customer_code", "email", "phone", "company_name", "created_at"),
    sorts={"cursor": "-created_at", "name_cursor": "name", "company_cursor": "company_name"},
    target=1.5,
    method=_METHOD,
    lists=LISTS,
    own=OWN,
    reported=REPORTED,
)
