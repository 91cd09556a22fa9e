"""What columns of well-known systems' exports, and of lists from events, are proposed to mean of a lead."""

import csv
import io

import pytest

from imports.headers import folded
from imports.proposal import Column, propose
from pipeline.rules.import_fields import CATALOGUE, STATUS_OF

FILES = {
    "salesforce": (
        (
            "Lead ID,FirstName,LastName,Email,Phone,MobilePhone,Company,Title,City,State,Country,LeadSource,Status,Rating\n"
            "00Q1,Bertha,Boxer,b@x.example,(850) 555-0160,,Farmers,Director,Tallahassee,FL,USA,Web,Working - Contacted,Cold\n"
        ),
        {
            "FirstName": "lead_name",
            "LastName": "lead_name",
            "Email": "email",
            "Phone": "phone",
            "MobilePhone": "phone",
            "Company": "description",
            "Title": "description",
            "LeadSource": "source",
            "Status": "stage_id",
            "Rating": "priority",
        },
    ),
    "zoho": (
        (
            "Record Id,Lead Owner,Company,First Name,Last Name,Designation,Email,Lead Source,Lead Status,Created Time,Full Name\n"
            "zcrm_1,Dana Fox,Printing,Donette,Falk,VP,d@x.example,Web Download,Contacted,2024-03-01 12:00:00,Donette Falk\n"
        ),
        {
            "Lead Owner": "assigned_to",
            "Company": "description",
            "Designation": "description",
            "Email": "email",
            "Lead Source": "source",
            "Lead Status": "stage_id",
            "Created Time": "created_at",
            "Full Name": "lead_name",
        },
    ),
    "hubspot": (
        (
            "Record ID,First Name,Last Name,Email,Job Title,Contact owner,Associated Company,City,Website URL,Lifecycle Stage,"
            "Lead Status,Original Source,Create Date,Message\n"
            "39,Camille,Renard,c@x.example,Achats,Inès Moreau,Fromagerie,Annecy,https://x.example,customer,NEW,Organic,"
            "2024-03-12 09:14,hello\n"
        ),
        {
            "First Name": "lead_name",
            "Last Name": "lead_name",
            "Email": "email",
            "Job Title": "description",
            "Contact owner": "assigned_to",
            "Associated Company": "description",
            "Lead Status": "stage_id",
            "Original Source": "source",
            "Create Date": "created_at",
            "Message": "description",
        },
    ),
    "pipedrive": (
        (
            "Lead - Title,Lead - Value,Lead - Owner,Lead - Lead created,Lead - Source channel,Lead - Expected close date\n"
            "Ek deal,1200,Dana Fox,2024-01-15 08:12:00,Web,2024-06-01\n"
        ),
        {
            "Lead - Title": "lead_name",
            "Lead - Value": "estimated_value",
            "Lead - Owner": "assigned_to",
            "Lead - Lead created": "created_at",
            "Lead - Source channel": "source",
            "Lead - Expected close date": "expected_close_date",
        },
    ),
}


def proposed(text):
    header, *rows = csv.reader(io.StringIO(text))
    return propose([Column(name, [row[index] for row in rows]) for index, name in enumerate(header)], CATALOGUE)


@pytest.mark.parametrize("profile", FILES)
def test_an_export_of_leads_is_read_as_its_columns_mean(profile):
    text, mapping = FILES[profile]
    found = proposed(text)
    assert (found.profile, found.mapping) == (profile, mapping)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Open - Not Contacted", "new"),
        ("Working - Contacted", "contacted"),
        ("Attempted to Contact", "contacted"),
        ("Pre-Qualified", "qualified"),
        ("Junk Lead", "lost"),
        ("Closed - Not Converted", "lost"),
        ("Closed - Converted", "converted"),
    ],
)
def test_the_words_of_other_systems_mean_a_status(word, status):
    assert STATUS_OF[folded(word)] == status


@pytest.mark.parametrize(
    "header",
    [
        "Imię;Nazwisko;E-mail;Telefon;Firma;Źródło;Wartość;Waluta;Opiekun;Uwagi",
        "Имя;Фамилия;Эл. почта;Телефон;Компания;Источник;Сумма;Валюта;Ответственный;Комментарий",
        "Ad;Soyad;E-posta;Telefon;\u015eirket;Kaynak;Tutar;Para birimi;Temsilci;Notlar",
        "名;姓;メールアドレス;電話番号;会社名;流入経路;金額;通貨;営業担当;備考",
        "Tên gọi;Họ;Email;Số điện thoại;Công ty;Nguồn;Giá trị;Tiền tệ;Người phụ trách;Ghi chú",
    ],
)
def test_columns_are_known_in_many_languages(header):
    names = header.split(";")
    fields = propose([Column(name, ()) for name in names[2:]], CATALOGUE).mapping
    assert list(fields.values()) == [
        *("email", "phone", "description", "source", "estimated_value", "currency", "assigned_to", "notes")
    ]
    whole = propose([Column(name, [text]) for name, text in zip(names[:2], ("Ada", "Byron"), strict=True)], CATALOGUE)
    assert list(whole.mapping.values()) == ["lead_name", "lead_name"]
