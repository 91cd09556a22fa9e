"""What people and other systems call the fields of a customer, and what is in them. Pure, no I/O."""

from customers.rules import CUSTOMER_TYPES, PRIORITIES, STATUSES
from imports.fields import HOME, MAIN, MOBILE, OTHER, WORK, Catalogue, Field, values_by_word
from imports.looks import is_amount, is_date, is_email, is_phone
from people.countries import country_code

_STATUSES = {
    "active": "active, customer, client, kunde, aktiv, actif, cliente, activo, attivo, current, evangelist, existing "
    "customer, closed won, won, bestandskunde, klient, customer direct, customer channel",
    "prospect": "prospect, lead, subscriber, opportunity, interessent, prospecto, potential, marketingqualifiedlead, "
    "salesqualifiedlead, marketing qualified lead, sales qualified lead, new, neu, nouveau, nuevo, open, open deal, "
    "in progress, connected, attempted to contact, contacted, not contacted, working, contact in future, pre "
    "qualified, qualified, open not contacted, potentiell, offen",
    "lost": "lost, lost lead, verloren, perdu, perdido, perso, closed, closed not converted, closed lost, unqualified, "
    "junk lead, bad timing, disqualified, not qualified",
    "inactive": "inactive, inaktiv, inactif, inactivo, inattivo, former, ehemalig, former customer, churned, ended",
}
_TYPES = {
    "business": "business, company, firm, organization, organisation, firma, unternehmen, gewerblich, geschaftskunde, "
    "b2b, entreprise, societe, empresa, azienda, corporate",
    "individual": "individual, person, private, private person, privat, privatperson, privatkunde, b2c, particulier, "
    "particular, consumer, personal, einzelperson",
}
_PRIORITIES = {
    "low": "low, niedrig, gering, basse, faible, baja, bassa, cold, lowest, 3",
    "medium": "medium, normal, mittel, moyenne, media, warm, standard, normale, 2",
    "high": "high, hoch, haute, alta, hot, urgent, dringend, highest, very high, elevee, 1",
}


# What a customer can be found by.
KEYS = ("id", "customer_code", "email")
# The words of those fields that know only some.
CHOICES_OF = {"customer_type": CUSTOMER_TYPES, "status": STATUSES, "priority": PRIORITIES}

FIELDS = (
    Field("id", "id"),
    Field(
        "customer_code",
        "customer code, code, customer number, customer no, customer id, kunden id, account number, account id, "
        "external id, record id, lead id, contact id, company id, datensatz id, pipedrive system id, kundennummer, "
        "kunden nr, kundennr, kunden no, debitor, debitorennummer, numero client, code client, codigo cliente, "
        "numero de cliente",
    ),
    Field(
        "name",
        "name, full name, customer, customer name, contact name, display name, kunde, kundenname, nom complet, "
        "nombre completo, nome completo, vollstandiger name, ansprechpartner, 姓名, 名前, 氏名, 이름, имя, фио, "
        "contact, "
        "contact full name, person name, kontakt, kontaktname, имя и фамилия, наименование, клиент, "
        "контактное лицо, імя, піб, "
        "ονοματεπωνυμο, ad soyad, adi soyadi, musteri, musteri adi, nazwa, imie i nazwisko, klient, jmeno a prijmeni, "
        "nazev, nev, teljes nev, nume complet, naam, volledige naam, namn, navn, nimi, 성명, 고객명, 顧客名, "
        "客户, 客户名称, 客戶名稱, "
        "ชื่อลูกค้า, ชื่อ นามสกุล, ชื่อ สกุล, ho va ten, ho ten, ten khach hang, ten, nama, nama lengkap, الاسم, "
        "الاسم الكامل, "
        "اسم العميل, שם, שם מלא, שם הלקוח, სახელი და გვარი",
        parts={
            1: "first name, given name, vorname, prenom, nombre, nome, voornaam, fornamn, etunimi, imie, forename, "
            "first, ad, adi, isim, jmeno, krstne meno, keresztnev, utonev, prenume, ime, fornavn, имя клиента, "
            "имя контакта, "
            "ονομα, სახელი, ชื่อ, ชื่อจริง, nama depan, الاسم الاول, שם פרטי, 名",
            2: "middle name, additional name, отчество, по батькові, ten dem, weitere vornamen, "
            "zweiter vorname, deuxieme prenom, segundo nombre",
            3: "last name, family name, surname, nachname, familienname, nom de famille, nom, apellido, apellidos, "
            "cognome, achternaam, efternamn, sukunimi, nazwisko, last, soyad, soyadi, prijmeni, priezvisko, "
            "vezeteknev, "
            "csaladnev, nume de familie, prezime, etternavn, efternavn, фамилия, прізвище, επωνυμο, გვარი, "
            "นามสกุล, สกุล, ho, "
            "nama belakang, اسم العائلة, اللقب, שם משפחה, 姓, 성",
        },
        between=" ",
    ),
    Field(
        "email",
        "email, e mail, mail, email address, e mail address, mail address, e mail adresse, mailadresse, "
        "emailadresse, courriel, adresse e mail, adresse de messagerie, correo, correo electronico, direccion de "
        "correo electronico, posta elettronica, indirizzo e mail, 邮箱, 電子郵件, 电子邮件, メール, メールアドレス, "
        "이메일, почта, эл почта, электронная почта, ηλεκτρονικο ταχυδρομειο, e posta, eposta, elposta, email cim, "
        "البريد الالكتروني, البريد, דואל, דוא ל, อีเมล, อีเมล์, ელფოსტა, ელ ფოსტა, 电邮, 이메일 주소, "
        "email work, email home, email other, primary email, company email",
        several=True,
        looks=is_email,
    ),
    Field(
        "phone",
        "phone, phone number, telephone, telephone number, tel, telefon, telefonnummer, telefonnr, telefono, "
        "telefone, numero de telephone, 电话, 電話, 電話番号, 手机, 전화, "
        "телефон, numero de telefono, rufnummer, festnetz, "
        "puhelin, telefoon, telefon numarasi, телефоны, номер телефона, τηλεφωνο, 전화번호, 연락처, 联系电话, "
        "電話號碼, "
        "โทรศัพท์, เบอร์โทร, เบอร์โทรศัพท์, dien thoai, so dien thoai, sdt, الهاتف, رقم الهاتف, هاتف, טלפון, "
        "מספר טלפון, "
        "ტელეფონი, telefonszam, numar de telefon, telefoonnummer, telefonnummer, no telepon, telepon",
        parts={
            WORK: "work phone, business phone, phone work, telefon firma, telefon arbeit, dienstlich",
            MAIN: "main phone, company main phone, company phone, primary phone, hauptnummer",
            HOME: "home phone, phone home, telefon privat, festnetz privat",
            OTHER: "other phone, phone other, weiteres telefon",
        },
        several=True,
        overflow="secondary_phone",
        looks=is_phone,
    ),
    Field(
        "secondary_phone",
        "secondary phone, second phone, alternate phone, zweite telefonnummer",
        parts={
            MOBILE: "mobile, mobile phone, mobile phone number, mobile number, cell, cell phone, mobil, handy, "
            "handynummer, "
            "mobiltelefon, mobilnummer, mobiltelefonnummer, portable, telephone mobile, telephone portable, movil, "
            "telefono movil, celular, cellulare, phone mobile, tel mobile, tel portable, mobil privat, "
            "mobil dienstlich, mobil geschaftlich, cep, cep telefonu, gsm, komorka, telefon komorkowy, мобильный, "
            "мобильный телефон, моб телефон, мобільний, κινητο, κινητο τηλεφωνο, 휴대폰, 휴대전화, 핸드폰, "
            "手机号码, 携帯電話, 携帯, "
            "มือถือ, เบอร์มือถือ, di dong, so di dong, الجوال, رقم الجوال, المحمول, الموبايل, נייד, "
            "טלפון נייד, მობილური, mobiel, "
            "mobilnummer, hp"
        },
        several=True,
        looks=is_phone,
    ),
    Field(
        "address",
        "address, adresse, anschrift, direccion, indirizzo, address formatted, postal address, full address, "
        "postanschrift, адрес, адреса, διευθυνση, adres, adresa, cim, adress, osoite, 주소, 地址, 住所, ที่อยู่, "
        "dia chi, alamat, "
        "العنوان, عنوان, כתובת, მისამართი",
        parts={
            1: "street, street address, address street, address line 1, address 1, strasse, straße und hausnummer,"
            " strasse "
            "hausnummer, rue, calle, via, adresszeile 1, strase, adresse strasse",
            2: "house number, hausnummer, hausnr",
            3: "address line 2, address 2, street 2, adresszusatz, adresszeile 2, complement d adresse, "
            "adresse adresszusatz",
            4: "address line 3, address 3, street 3",
        },
        between=", ",
    ),
    Field(
        "city",
        "city, town, ort, stadt, ville, ciudad, citta, locality, wohnort, address city, localidad, cidade, 城市, "
        "город, місто, населенный пункт, πολη, sehir, il, miasto, miejscowosc, mesto, obec, varos, oras, "
        "plaats, stad, ort stad, "
        "by, kaupunki, paikkakunta, poststed, 市, 도시, 시, 市区町村, เมือง, อำเภอ, thanh pho, kota, المدينة, "
        "مدينة, עיר, ישוב, "
        "ქალაქი, adresse ort, adresse stadt",
    ),
    Field(
        "state",
        "state, region, state region, state province, province, county, bundesland, provincia, bundesland kanton, "
        "kanton, address region, address state, departement, comunidad, estado provincia, state county, "
        "adresse region, adresse bundesland, область, регион, νομος, ilce, wojewodztwo, kraj, megye, judet, "
        "provincie, 都道府県, "
        "省, 省份, 시도, จังหวัด, tinh, tinh thanh, provinsi, المحافظة, מחוז",
    ),
    Field(
        "country",
        "country, country region, land, land region, pays, pais, pais region, pays region, paese, staat, address "
        "country, country code, country territory, landercode, adresse land, страна, країна, χωρα, ulke, zeme, "
        "krajina, orszag, tara, maa, 국가, 나라, 国, 国家, 國家, ประเทศ, quoc gia, nuoc, negara, الدولة, "
        "البلد, מדינה, ארץ, ქვეყანა",
        looks=lambda text: country_code(text) is not None,
    ),
    Field(
        "zip_code",
        "zip, zip code, postal code, postcode, zip postal code, plz, postleitzahl, code postal, codigo postal, cap, "
        "billing code, address postal code, address zip, adresse plz, adresse postleitzahl, индекс, почтовый индекс, "
        "поштовий індекс, τκ, ταχυδρομικος κωδικας, posta kodu, kod pocztowy, psc, iranyitoszam, cod postal, "
        "postnummer, "
        "postinumero, 우편번호, 邮编, 邮政编码, 郵便番号, รหัสไปรษณีย์, ma buu dien, ma buu chinh, kode pos, "
        "الرمز البريدي, מיקוד, "
        "საფოსტო ინდექსი",
        looks=lambda text: any(sign.isdigit() for sign in text),
    ),
    Field(
        "customer_type", "customer type, type, kundenart, kundentyp, typ, type de client", words=values_by_word(_TYPES)
    ),
    Field("industry", "industry, sector, branche, secteur, sector industrial, industria, settore", of_list=True),
    Field(
        "company_name",
        "company, company name, organization, organization name, organisation, organisation name, account, account "
        "name, firma, firmenname, unternehmen, unternehmensname, societe, entreprise, empresa, azienda, associated "
        "company, business name, employer, company account, name des unternehmens, nombre de la empresa, nom de l "
        "entreprise, bedrijf, 公司, 会社名, 会社, 회사, компания, организация, "
        "name der organisation, название компании, компанія, юридическое лицо, εταιρεια, επωνυμια, "
        "επωνυμια εταιρειας, sirket, "
        "sirket adi, firma adi, nazwa firmy, nazev firmy, spolecnost, ceg, cegnev, companie, bedrijfsnaam, "
        "foretag, virksomhed, "
        "yritys, 회사명, 법인명, 公司名称, 公司名稱, 企業名, บริษัท, ชื่อบริษัท, cong ty, ten cong ty, "
        "perusahaan, nama perusahaan, "
        "الشركة, اسم الشركة, חברה, שם החברה, კომპანია",
    ),
    Field(
        "website",
        "website, web site, web, url, homepage, web page, webpage, webseite, internetseite, site web, sitio web, "
        "website url, company domain name, domain, company domain, pagina web, page web, internet, sito web",
        several=True,
        looks=lambda text: "." in text and " " not in text and "@" not in text,
    ),
    Field(
        "status",
        "status, customer status, lead status, kundenstatus, statut, estado, lifecycle stage, lifecycle, stato, "
        "zustand",
        words=values_by_word(_STATUSES),
    ),
    Field(
        "source",
        "source, lead source, origin, quelle, herkunft, origen, account source, original source, leadquelle, "
        "origine, referred by, contact source",
    ),
    Field(
        "priority", "priority, prioritat, priorite, prioridad, priorita, wichtigkeit", words=values_by_word(_PRIORITIES)
    ),
    Field(
        "credit_limit", "credit limit, kreditlimit, limite de credit, limite de credito, kreditrahmen", looks=is_amount
    ),
    Field(
        "notes",
        "notes, note, description, comment, comments, remarks, remark, notizen, notiz, bemerkung, bemerkungen, "
        "beschreibung, message, nachricht, kommentar, anmerkung, anmerkungen, notas, observaciones, commentaire, "
        "commentaires, descripcion, nota, примечание, примечания, комментарий, заметки, примітки, σημειωσεις, "
        "notlar, aciklama, "
        "uwagi, notatki, opis, poznamka, poznamky, megjegyzes, observatii, opmerkingen, anteckningar, "
        "muistiinpanot, 메모, 비고, "
        "备注, 備註, 備考, メモ, หมายเหตุ, ghi chu, catatan, ملاحظات, הערות, შენიშვნა",
        between="\n",
    ),
    Field(
        "tags",
        "tags, tag, labels, label, categories, category, groups, group membership, schlagworte, schlagworter, "
        "kategorien, kategorie, etiquetas, etiquettes, mots cles, gruppen, person label, stichworter, "
        "gruppenmitgliedschaft, gruppenzugehorigkeit",
        between=";",
    ),
    Field(
        "assigned_to",
        "assigned to, owner, account owner, contact owner, company owner, lead owner, assignee, sales rep, owner "
        "email, owner name, zustandig, zustandiger, verantwortlich, verantwortlicher, responsable, propietario, "
        "proprietaire, bearbeiter, betreuer, kundenbetreuer, account manager, besitzer, inhaber, kontaktinhaber, "
        "salesperson",
        of_list=True,
    ),
    Field(
        "created_at",
        "created at, created, create date, created date, date created, created time, creation date, created on, "
        "created datetime, angelegt am, angelegt, erstellt am, erstellt, erstellungsdatum, erstelldatum, "
        "anlagedatum, kunde seit, customer since, date de creation, fecha de creacion, data di creazione, person "
        "created, organization created",
        looks=is_date,
    ),
)

CATALOGUE = Catalogue(
    FIELDS,
    own=("id", "customer_code", "customer_type", "created_at"),
    code="customer_code",
    fallbacks={"name": ("company_name",)},
    second=dict.fromkeys(("estado", "stato", "statut"), ("status", "state", ("city", "country", "zip_code"))),
    dates=("created_at",),
    amounts=("credit_limit",),
)
