"""What is proposed for the exports of well-known systems, and for tables that people made themselves."""

import pytest

from customers.rules import contact_import_fields
from customers.rules.import_fields import CATALOGUE
from imports.cells import Cells
from imports.fields import word_of
from imports.proposal import TAKEN, Column, propose

# By system a header, and the fields of those of its columns that mean one; the others go nowhere.
EXPORTS = {
    "google": (
        (
            "Name Prefix,First Name,Middle Name,Last Name,Name Suffix,Nickname,File As,Organization Name,Organization Title,"
            "Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - Label,"
            "Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,"
            "Address 1 - Postal Code,Address 1 - Country,Website 1 - Label,Website 1 - Value,Relation 1 - Value,"
            "Custom Field 1 - Value,Event 1 - Value"
        ),
        (
            "First Name=name,Middle Name=name,Last Name=name,Organization Name=company_name,Notes=notes,Labels=tags,"
            "E-mail 1 - Value=email,Phone 1 - Value=phone,Address 1 - Street=address,Address 1 - City=city,"
            "Address 1 - Region=state,Address 1 - Postal Code=zip_code,Address 1 - Country=country,Website 1 - Value=website"
        ),
    ),
    "outlook": (
        (
            "Anrede,Vorname,Nachname,Firma,Abteilung,Position,Straße geschäftlich,Ort geschäftlich,Postleitzahl geschäftlich,"
            "Land/Region geschäftlich,Straße privat,Ort privat,Fax geschäftlich,Telefon geschäftlich,Telefon (privat),"
            "Mobiltelefon,Pager,E-Mail-Adresse,E-Mail-Typ,E-Mail 2: Adresse,Geburtstag,Kategorien,Notizen,Ort,Webseite"
        ),
        (
            "Vorname=name,Nachname=name,Firma=company_name,Straße geschäftlich=address,Ort geschäftlich=city,"
            "Postleitzahl geschäftlich=zip_code,Land/Region geschäftlich=country,Telefon geschäftlich=phone,"
            "Telefon (privat)=phone,Mobiltelefon=secondary_phone,E-Mail-Adresse=email,E-Mail 2: Adresse=email,"
            "Kategorien=tags,Notizen=notes,Webseite=website"
        ),
    ),
    "hubspot": (
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Primary Associated Company ID,Company Name,City,"
            "State/Region,Postal Code,Country/Region,Lifecycle Stage,Original Source,Create Date,Last Activity Date,"
            "Number of times contacted,Email Domain"
        ),
        (
            "Record ID=customer_code,First Name=name,Last Name=name,Email=email,Phone Number=phone,Contact owner=assigned_to,"
            "Company Name=company_name,City=city,State/Region=state,Postal Code=zip_code,Country/Region=country,"
            "Lifecycle Stage=status,Original Source=source,Create Date=created_at"
        ),
    ),
    "salesforce": (
        (
            "Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,Mailing State/Province,"
            "Mailing Zip/Postal Code,Mailing Country,Phone,Fax,Mobile,Email,Account Owner,Contact ID,Last Modified Date"
        ),
        (
            "First Name=name,Last Name=name,Account Name=company_name,Mailing Street=address,Mailing City=city,"
            "Mailing State/Province=state,Mailing Zip/Postal Code=zip_code,Mailing Country=country,Phone=phone,"
            "Mobile=secondary_phone,Email=email,Account Owner=assigned_to,Contact ID=customer_code"
        ),
    ),
    "pipedrive": (
        (
            "Person - Name,Person - Organization,Person - Phone - Work,Person - Email - Work,Person - Owner,Person - Label,"
            "Person - Open deals,Person - Next activity date,Person - Person created"
        ),
        (
            "Person - Name=name,Person - Organization=company_name,Person - Phone - Work=phone,Person - Email - Work=email,"
            "Person - Owner=assigned_to,Person - Label=tags,Person - Person created=created_at"
        ),
    ),
    "zoho": (
        (
            "Record Id,Account Owner.id,Account Owner,Rating,Account Name,Phone,Fax,Website,Account Type,Ownership,Employees,"
            "Billing Street,Billing City,Billing State,Billing Code,Billing Country,Description,Created Time,Modified Time"
        ),
        (
            "Record Id=customer_code,Account Owner=assigned_to,Account Name=name,Phone=phone,Website=website,"
            "Billing Street=address,Billing City=city,Billing State=state,Billing Code=zip_code,Billing Country=country,Description=notes,"
            "Created Time=created_at"
        ),
    ),
    "mailchimp": (
        (
            "Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,LATITUDE,"
            "LONGITUDE,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
        ),
        (
            "Email Address=email,First Name=name,Last Name=name,Address=address,Phone Number=phone,CC=country,REGION=state,"
            "NOTES=notes,TAGS=tags"
        ),
    ),
}


def mapping_of(header: str, *rows: str, sign: str = ",") -> dict[str, str]:
    names = header.split(sign)
    cells = [row.split(sign) for row in rows]
    columns = [Column(name, [row[index] for row in cells if index < len(row)]) for index, name in enumerate(names)]
    return propose(columns, CATALOGUE).mapping


@pytest.mark.parametrize("system", EXPORTS)
def test_the_export_of_a_well_known_system_is_recognised_and_read(system: str) -> None:
    header, fields = EXPORTS[system]
    proposal = propose([Column(name, ()) for name in header.split(",")], CATALOGUE)
    assert proposal.profile == system
    assert proposal.mapping == dict(pair.split("=") for pair in fields.split(","))


@pytest.mark.parametrize(
    ("header", "row", "fields"),
    [
        ("Kontakt;Mail;Handy", "Eva;eva@example.com;0664 1", "name,email,phone"),
        ("Name;Adresse;Ansprechbar unter", "Eva;Ring 1;eva@example.com", "name,address,email"),
        ("Name;Status;City", "Eva;Platinum;Graz", "name,,city"),
        ("Name;Lead status;City", "Eva;Disqualified;Graz", "name,status,city"),
        ("Nom;Ville;Statut", "Eva;Lyon;Client", "name,city,status"),
        ("Nome;Città;Stato;CAP", "Eva;Roma;Lazio;00100", "name,city,state,zip_code"),
        ("ID;Name;Type", "17;Eva;Partner", "customer_code,name,"),
        ("Customer;Country;Created", "Eva;Österreich;3/14/2024", "name,country,created_at"),
        ("Customer;Country;Created", "Eva;Österreich;yesterday", "name,country,created_at"),
        ("Firma;Telefon;Umsatz", "Alm GmbH;01 234567;100", "name,phone,"),
        ("Full Name;First Name;Last Name", "Eva Alm;Eva;Alm", "name,,"),
        ("Vorname;Name", "Eva;Alm", "name,name"),
        ("Vorname;Name", "Eva;Eva Alm", ",name"),
        ("First;Last;Company", "Eva;Alm;Acme", "name,name,company_name"),
        ("Name;Phone type;Phone", "Eva;Mobile;0664 123", "name,,phone"),
        ("氏名;電話番号;メールアドレス", "山田;03-0000;a@example.jp", "name,phone,email"),
        ("ชื่อ;นามสกุล;อีเมล;เบอร์โทร", "สมชาย;ใจดี;s@x.example;02-123-4567", "name,name,email,phone"),
        ("Họ và tên;Số điện thoại;Địa chỉ;Thành phố", "Đức;0912345678;1 Lê Lợi;Huế", "name,phone,address,city"),
        ("الاسم;البريد الإلكتروني;الهاتف;المدينة", "محمد;m@x.example;٠١٠١٢٣;القاهرة", "name,email,phone,city"),
        ("שם פרטי;שם משפחה;דוא״ל;טלפון", "דוד;כהן;d@x.example;050-1234567", "name,name,email,phone"),
        (
            "Όνομα;Επώνυμο;Τηλέφωνο;Πόλη;Ταχυδρομικός κώδικας",
            "ΓΙΑΝΝΗΣ;ΝΟΜΙΚΟΣ;2101234567;Αθήνα;10431",
            "name,name,phone,city,zip_code",
        ),
        ("სახელი;გვარი;ტელეფონი;ქალაქი", "ნინო;ბერიძე;555123456;თბილისი", "name,name,phone,city"),
        ("Наименование;ИНН;Город;Эл. почта", "Ромашка;77;Москва;r@x.example", "name,,city,email"),
        ("Ad;Soyad;E-posta;Cep Telefonu", "Ayşe;Demir;i@x.example;0532 1234567", "name,name,email,phone"),
        ("Nazwa;Kod pocztowy;Miejscowość;Telefon", "Żółw;00-001;Łódź;22 1234567", "name,zip_code,city,phone"),
        ("이름;전화번호;회사명;주소", "김철수;010-1234-5678;한빛;서울", "name,phone,company_name,address"),
    ],
)
def test_a_table_of_one_s_own_is_read_by_names_and_samples(header: str, row: str, fields: str) -> None:
    mapping = mapping_of(header, row, sign=";")
    assert [mapping.get(name, "") for name in header.split(";")] == fields.split(",")


def test_what_is_doubtful_is_shown_and_not_taken() -> None:
    columns = [Column("Name", ["Eva"]), Column("Priority", ["P0", "P1"])]
    guess = propose(columns, CATALOGUE).guesses["Priority"]
    assert guess.field == "priority"
    assert guess.confidence < TAKEN


def test_the_whole_name_is_taken_with_its_parts_where_it_is_missing() -> None:
    header = ["Full Name", "Nachname", "Vorname"]
    columns = [Column(*pair) for pair in zip(header, (["Eva Alm", ""], ["Alm", "Berg"], ["Eva", "Tom"]), strict=True)]
    cells = Cells(header, propose(columns, CATALOGUE).mapping, CATALOGUE)
    assert cells(["Eva Alm", "Alm", "Eva"]) == {"name": "Eva Alm"}
    assert cells(["", "Berg", "Tom"]) == {"name": "Tom Berg"}


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Surname,First name", "Hopper,Grace", "Grace Hopper"),
        ("Apellidos,Nombre", "García,Luz", "Luz García"),
        ("Last Name,Middle Name,First Name", "Hopper,B.,Grace", "Grace B. Hopper"),
        ("Given Name,Family Name", "花子,山田", "山田 花子"),
        ("Name,Vorname", "Wörrlein,Änne", "Änne Wörrlein"),
        ("Vorname,Name", "Änne,Wörrlein", "Änne Wörrlein"),
        ("Vorname,Name", "Änne,Wörrlein Änne", "Wörrlein Änne"),
        ("Vorname,Name", "Änne,", "Änne"),
        ("Имя,Фамилия", "Ада,Лавлейс", "Ада Лавлейс"),
        ("Фамилия,Имя,Отчество", "Лавлейс,Ада,Львовна", "Ада Львовна Лавлейс"),
        ("Naam,Achternaam", "Ada,Lovelace", "Ada Lovelace"),
        ("Efternavn,Navn", "Lovelace,Ada", "Ada Lovelace"),
        ("이름,성", "철수,김", "김 철수"),
        ("שם,שם משפחה", "עדה,לב", "עדה לב"),
        ("Name,Surname", "Ada Lovelace,Lovelace", "Ada Lovelace"),
    ],
)
def test_a_name_has_its_own_order_whatever_that_of_the_columns(header: str, row: str, name: str) -> None:
    names = header.split(",")
    assert Cells(names, dict.fromkeys(names, "name"), CATALOGUE)(row.split(","))["name"] == name


# First name, family's name, address, mobile number, company, status, kind, who cares for it, and a note.
HEADERS = [
    "Imię;Nazwisko;Adres e-mail;Tel. komórkowy;Nazwa firmy;Status;Typ klienta;Opiekun;Uwagi",
    "Jméno;Příjmení;E-mailová adresa;Mobilní telefon;Název firmy;Stav;Typ zákazníka;Vlastník;Poznámka",
    "Keresztnév;Vezetéknév;E-mail cím;Mobilszám;Cégnév;Állapot;Customer type;Felelős;Megjegyzés",
    "Prenume;Nume de familie;Adresă de email;Telefon mobil;Companie;Stare;Tip client;Responsabil;Observații",
    "Ad;Soyad;E-posta;Cep No;\u015eirket ad\u0131;Durum;Müşteri tipi;Müşteri temsilcisi;A\u00e7\u0131klama",
    "Voornaam;Achternaam;E-mailadres;Mobiel nummer;Bedrijfsnaam;Status;Type;Eigenaar;Opmerking",
    "Förnamn;Efternamn;E-postadress;Mobilnr;Företagsnamn;Status;Kundtyp;Ansvarig;Anteckning",
    "Eiginnafn;Kenninafn;Netfang;Farsími;Fyrirtæki;Status;Type;Owner;Athugasemdir",
    "Όνομα;Επώνυμο;Email;Κινητό;Εταιρεία;Κατάσταση;Type;Υπεύθυνος;Σημειώσεις",
    "Имя;Фамилия;Электронная почта;Мобильный номер;Компания;Статус;Тип клиента;Ответственный;Комментарий",
    "Ім'я;Прізвище;Електронна пошта;Мобільний телефон;Назва компанії;Статус;Тип клієнта;Відповідальний;Примітка",
    "名;姓;メールアドレス;携帯番号;会社名;ステータス;顧客区分;営業担当;備考",
    "名;姓;邮箱地址;手机号码;公司名称;状态;客户类型;负责人;备注",
    "Tên gọi;Họ;Email;Điện thoại di động;Công ty;Trạng thái;Loại khách hàng;Người phụ trách;Ghi chú",
    "ชื่อ;นามสกุล;อีเมล;เบอร์มือถือ;บริษัท;สถานะ;Type;ผู้รับผิดชอบ;หมายเหตุ",
    "الاسم الأول;اسم العائلة;البريد الإلكتروني;الجوال;الشركة;الحالة;نوع العميل;المسؤول;ملاحظات",
    "שם פרטי;שם משפחה;דואל;נייד;חברה;Status;Type;אחראי;הערות",
]


@pytest.mark.parametrize("header", HEADERS)
def test_columns_are_known_in_many_languages(header: str) -> None:
    names = header.split(";")
    columns = [Column(*pair) for pair in zip(names, (["Ada"], ["Lovelace"], *[()] * (len(names) - 2)), strict=True)]
    customers = propose(columns, CATALOGUE).mapping
    assert [customers.get(name) for name in names] == [
        *("name", "name", "email", "phone", "company_name", "status", "customer_type", "assigned_to", "notes")
    ]
    people = propose(columns, contact_import_fields.CATALOGUE).mapping
    assert [people.get(name) for name in names[:5]] == ["first_name", "last_name", "email", "phone", "company_name"]


def test_a_word_of_two_countries_is_told_by_its_values() -> None:
    brazil = mapping_of("Nome,Celular,Cidade,Estado,CEP", "Ada,(11) 98765-4321,Recife,PE,50030-230")
    assert (brazil["Celular"], brazil["CEP"], brazil["Estado"]) == ("phone", "zip_code", "state")
    turkey = mapping_of("Ad,Telefon,Cep,Şehir", "Ada,0312 123 45 67,0532 123 45 67,Ankara")
    assert (turkey["Telefon"], turkey["Cep"]) == ("phone", "secondary_phone")


@pytest.mark.parametrize(
    ("field", "word", "value"),
    [
        ("status", "Aktywny", "active"),
        ("status", "Неактивный", "inactive"),
        ("status", "潜在客户", "prospect"),
        ("customer_type", "Юридическое лицо", "business"),
        ("customer_type", "法人", "business"),
        ("customer_type", "Pessoa Física", "individual"),
        ("priority", "Yüksek", "high"),
        ("priority", "Średni", "medium"),
        ("priority", "低", "low"),
    ],
)
def test_words_are_known_in_many_languages(field: str, word: str, value: str) -> None:
    assert word_of(CATALOGUE.by_name[field].words, word) == value


@pytest.mark.parametrize(
    ("header", "rows", "fields"),
    [
        ("Имя,Фамилия", ["Ада,Лавлейс", "Лев,Орлов"], {"Имя": "first_name", "Фамилия": "last_name"}),
        ("Naam,Achternaam", ["Ada,Lovelace"], {"Naam": "first_name", "Achternaam": "last_name"}),
        ("Name,Last name", ["Ada,Lovelace"], {"Name": "first_name", "Last name": "last_name"}),
    ],
)
def test_a_name_beside_the_family_s_is_the_first_one(header: str, rows: list[str], fields: dict[str, str]) -> None:
    columns = [Column(name, [row.split(",")[at] for row in rows]) for at, name in enumerate(header.split(","))]
    assert propose(columns, contact_import_fields.CATALOGUE).mapping == fields
    assert set(propose(columns, CATALOGUE).mapping.values()) == {"name"}
    assert len(propose(columns, CATALOGUE).mapping) == len(fields)


def test_our_own_export_is_known_and_nobody_else_s_id_is_ours() -> None:
    header = "id,customer_code,name,email,customer_type,status,assigned_to,created_at"
    proposal = propose([Column(name, ()) for name in header.split(",")], CATALOGUE)
    assert (proposal.profile, proposal.mapping["id"]) == ("own", "id")
    for foreign in ("ID,Name", "Record Id,Name", "id,Name,Email", "Customer ID,Name"):
        assert "id" not in mapping_of(foreign, "7,Eva").values()


@pytest.mark.parametrize("turned", [False, True])
def test_the_column_of_the_primary_company_goes_before_that_of_all(turned: bool) -> None:
    names = ["Associated Company IDs", "Associated Company IDs (Primary)"]
    names += ["Associated Company", "Associated Company (Primary)"]
    columns = [Column(name, ["9001;9002", "9001"]) for name in (reversed(names) if turned else names)]
    whole = [Column("Record ID", ["1", "2"]), Column("Contact owner", ["", ""]), *columns]
    proposal = propose(whole, contact_import_fields.CATALOGUE)
    assert proposal.profile == "hubspot"
    assert proposal.mapping == {
        "Associated Company IDs (Primary)": "customer_code",
        "Associated Company (Primary)": "company_name",
    }


@pytest.mark.parametrize(("name", "family"), [("Wörrlein", "last_name"), ("Änne Wörrlein", "name")])
def test_a_contacts_name_beside_first_names_is_the_familys_unless_it_has_them_in_it(name: str, family: str) -> None:
    columns = [Column("Vorname", ["Änne"]), Column("Name", [name])]
    mapping = propose(columns, contact_import_fields.CATALOGUE).mapping
    assert mapping == {"Vorname": "first_name", "Name": family}
