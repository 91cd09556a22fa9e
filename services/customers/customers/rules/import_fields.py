"""What people and other systems call the fields of a customer, and what is in them. Pure, no I/O."""

import re

from customers.rules import CUSTOMER_TYPES, PRIORITIES, STATUSES
from imports import columns
from imports.fields import HOME, MAIN, MOBILE, OTHER, WORK, Catalogue, Field, values_by_word
from imports.looks import is_amount, is_date, is_email, is_phone
from people.countries import country_code

_STATUSES = {
    "active": "active, customer, client, kunde, aktiv, actif, cliente, activo, attivo, current, evangelist, existing "
    "customer, closed won, won, bestandskunde, klient, customer direct, customer channel, "
    "aktywny, aktivni, aktif, активный, активен, клиент, активний, ativo, actief, klant, aktiv kunde, aktif musteri, "
    "aktiivinen, ενεργος, 有効, 顧客, 客户, 客戶, 활성, 고객, active client, dang hoat dong, pelanggan, نشط, فعال",
    "prospect": "prospect, lead, subscriber, opportunity, interessent, prospecto, potential, marketingqualifiedlead, "
    "salesqualifiedlead, marketing qualified lead, sales qualified lead, new, neu, nouveau, nuevo, open, open deal, "
    "in progress, connected, attempted to contact, contacted, not contacted, working, contact in future, pre "
    "qualified, qualified, open not contacted, potentiell, offen, "
    "potencjalny, potencialni, potansiyel, aday, новый, потенциальный, лид, potentieel, potencial, potenziale, "
    "potentiel, prospekt, potentiel kunde, mahdollinen, 見込み客, 見込, 潜在客户, 잠재고객, tiem nang, محتمل",
    "lost": "lost, lost lead, verloren, perdu, perdido, perso, closed, closed not converted, closed lost, "
    "unqualified, junk lead, bad timing, disqualified, not qualified, utracony, ztraceny, kayip, kaybedildi, "
    "потерян, отказ, verloren klant, tapt, forlorad, menetetty, 失注, 流失, 이탈",
    "inactive": "inactive, inaktiv, inactif, inactivo, inattivo, former, ehemalig, former customer, churned, ended, "
    "nieaktywny, neaktivni, pasif, неактивный, неактивен, неактивний, inativo, inactief, inaktivni, ei aktiivinen, "
    "ανενεργος, 無効, 停用, 비활성, ngung hoat dong, غير نشط",
}
_TYPES = {
    "business": "business, company, firm, organization, organisation, firma, unternehmen, gewerblich, "
    "geschaftskunde, b2b, entreprise, societe, empresa, azienda, corporate, spolka, przedsiebiorstwo, spolecnost, "
    "ceg, sirket, kurumsal, tuzel, компания, юридическое лицо, юрлицо, организация, компанія, bedrijf, zakelijk, "
    "foretag, virksomhed, bedrift, yritys, εταιρεια, companie, pessoa juridica, persona juridica, persona moral, "
    "persona giuridica, juridica, pj, legal entity, 法人, 企業, 会社, 公司, 企业, 법인, 기업, cong ty, doanh nghiep, "
    "perusahaan, شركة, חברה",
    "individual": "individual, person, private, private person, privat, privatperson, privatkunde, b2c, particulier, "
    "particular, consumer, personal, einzelperson, osoba fizyczna, osoba, klient indywidualny, fyzicka osoba, "
    "maganszemely, bireysel, sahis, kisi, gercek, физическое лицо, физлицо, частное лицо, "
    "фізична \u043e\u0441\u043e\u0431\u0430, particulier persoon, prywatny, privatperson, yksityinen, ιδιωτης, "
    "persoana fizica, pessoa fisica, persona fisica, fisica, pf, 個人, 个人, 개인, ca nhan, perorangan, فرد, פרטי",
}
_PRIORITIES = {
    "low": "low, niedrig, gering, basse, faible, baja, bassa, cold, lowest, 3, niski, niska, nizka, dusuk, низкий, "
    "низька, laag, baixa, lag, lav, matala, χαμηλη, scazuta, alacsony, 低, 낮음, thap",
    "medium": "medium, normal, mittel, moyenne, media, warm, standard, normale, 2, "
    "sredni, srednia, stredni, orta, средний, обычный, середній, gemiddeld, normaal, medel, middels, normaali, μεσαια, "
    "medie, kozepes, 中, 普通, 보통, 중간, trung binh",
    "high": "high, hoch, haute, alta, hot, urgent, dringend, highest, very high, elevee, 1, wysoki, wysoka, pilne, "
    "vysoka, yuksek, acil, высокий, срочно, високий, hoog, hog, hoy, hoj, korkea, υψηλη, ridicata, magas, 高, 높음, "
    "급함, cao",
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
        "numero de cliente, numer klienta, nr klienta, kod klienta, cislo zakaznika, ugyfelszam, cod client, "
        "musteri no, musteri kodu, klantnummer, klantcode, kundnummer, asiakasnumero, номер клиента, код клиента, "
        "код клієнта, κωδικος πελατη, codigo do cliente, codice cliente, 顧客番号, 顧客コード, 客户编号, 客戶編號, "
        "고객번호, 고객코드, ma khach hang, kode pelanggan, رقم العميل, מספר לקוח, รหัสลูกค้า",
    ),
    Field(
        "name",
        f"{columns.NAMES}, customer, customer name, kunde, kundenname, musteri, musteri adi, klient, клиент, "
        "наименование, nazwa, nazev, 고객명, 顧客名, 客户, 客户名称, 客戶名稱, ชื่อลูกค้า, ten khach hang, اسم العميل, "
        "שם הלקוח, nome do cliente, nombre del cliente, nom du client, nome cliente, klantnaam, kundnamn, kundenavn, "
        "nazwa klienta, jmeno zakaznika, ugyfel neve, nume client, клієнт, お客様名, nama pelanggan, ग्राहक",
        parts={1: columns.FIRST_NAMES, 2: columns.MIDDLE_NAMES, 3: columns.FAMILY_NAMES},
        between=" ",
    ),
    Field("email", f"{columns.EMAILS}, company email", several=True, looks=is_email),
    Field(
        "phone",
        columns.PHONES,
        parts={
            WORK: columns.WORK_PHONES,
            MAIN: columns.MAIN_PHONES,
            HOME: columns.HOME_PHONES,
            OTHER: columns.OTHER_PHONES,
        },
        several=True,
        overflow="secondary_phone",
        looks=is_phone,
    ),
    Field(
        "secondary_phone",
        "secondary phone, second phone, alternate phone, zweite telefonnummer",
        parts={MOBILE: columns.MOBILES},
        several=True,
        looks=is_phone,
    ),
    Field(
        "address",
        "address, adresse, anschrift, direccion, indirizzo, address formatted, postal address, full address, "
        "postanschrift, адрес, адреса, διευθυνση, adres, adresa, cim, adress, osoite, 주소, 地址, 住所, ที่อยู่, "
        "dia chi, alamat, "
        "العنوان, عنوان, כתובת, მისამართი, पता, heimilisfang, endereco, morada, domicilio, adresas, aadress",
        parts={
            1: "street, street address, address street, address line 1, address 1, strasse, straße und hausnummer, "
            "strasse hausnummer, rue, calle, via, adresszeile 1, strase, adresse strasse, ulica, ulice, utca, "
            "strada, улица, вулиця, οδος, rua, logradouro, straat, gata, gatuadress, gateadresse, vej, katuosoite, "
            "cadde, sokak, 番地, 街道, duong",
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
        "город, місто, населенный пункт, πολη, sehir, il, miasto, miejscowosc, mesto, obec, varos, oras, plaats, "
        "stad, ort stad, by, kaupunki, paikkakunta, poststed, 市, 도시, 시, 市区町村, เมือง, อำเภอ, thanh pho, kota, "
        "المدينة, مدينة, עיר, ישוב, ქალაქი, adresse ort, adresse stadt, शहर, borg, baer, grad, miestas, pilseta, "
        "linn, град, kommune, 城市名, 市町村",
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
        "البلد, מדינה, ארץ, ქვეყანა, देश, panstwo, stat, drzava, salis, valsts, riik, държава, држава, 国名",
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
        surely=lambda text: re.fullmatch(r"\d{5}-\d{3}", text) is not None,
    ),
    Field(
        "customer_type",
        "customer type, type, kundenart, kundentyp, typ, type de client, tipo, tipo de cliente, tipo cliente, "
        "typ klienta, typ zakaznika, tip, tip client, musteri tipi, тип, тип клиента, тип клієнта, klanttype, "
        "kundtyp, kundetype, 顧客区分, 客户类型, 고객유형, loai khach hang, نوع العميل",
        words=values_by_word(_TYPES),
    ),
    Field(
        "industry",
        "industry, sector, branche, secteur, sector industrial, industria, settore, branza, obor, iparag, domeniu, "
        "sektor, отрасль, галузь, κλαδος, setor, bransch, bransje, toimiala, 業種, 行业, 行業, 업종, nganh nghe, "
        "industri, القطاع, ענף",
        of_list=True,
    ),
    Field("company_name", columns.COMPANIES),
    Field(
        "website",
        "website, web site, web, url, homepage, web page, webpage, webseite, internetseite, site web, sitio web, "
        "website url, company domain name, domain, company domain, pagina web, page web, internet, sito web, "
        "strona www, strona internetowa, www, webove stranky, weboldal, honlap, site, web sitesi, сайт, веб сайт, "
        "ιστοσελιδα, hemsida, hjemmeside, nettside, kotisivu, ホームページ, サイト, 网站, 網站, 홈페이지, 웹사이트, "
        "trang web, situs web, الموقع, الموقع الالكتروني, אתר, เว็บไซต์",
        several=True,
        looks=lambda text: "." in text and " " not in text and "@" not in text,
    ),
    Field(
        "status",
        "status, customer status, lead status, kundenstatus, statut, estado, lifecycle stage, lifecycle, stato, "
        "zustand, durum, статус, stav, allapot, stare, tila, κατασταση, situacao, ステータス, 状态, 狀態, 상태, "
        "trang thai, الحالة, \u05e1\u05d8\u05d8\u05d5\u05e1, สถานะ",
        words=values_by_word(_STATUSES),
    ),
    Field("source", columns.SOURCES),
    Field("priority", columns.PRIORITIES, words=values_by_word(_PRIORITIES)),
    Field(
        "credit_limit",
        "credit limit, kreditlimit, limite de credit, limite de credito, kreditrahmen, limit kredytowy, "
        "uverovy limit, hitelkeret, limita de credit, kredi limiti, кредитный лимит, кредитний ліміт, kredietlimiet, "
        "kreditgrans, kredittgrense, luottoraja, πιστωτικο \u03bf\u03c1\u03b9\u03bf, limite di credito, fido, "
        "与信限度額, 信用额度, 여신한도, han muc tin dung, حد الائتمان",
        looks=is_amount,
    ),
    Field("notes", columns.NOTES, between="\n"),
    Field(
        "tags",
        "tags, tag, labels, label, categories, category, groups, group membership, schlagworte, schlagworter, "
        "kategorien, kategorie, etiquetas, etiquettes, mots cles, gruppen, person label, stichworter, "
        "gruppenmitgliedschaft, gruppenzugehorigkeit, tagi, etykiety, stitky, cimkek, etichete, etiketler, теги, "
        "метки, мітки, ετικετες, etichette, marcadores, taggar, etiketter, tunnisteet, タグ, 标签, 標籤, 태그, nhan, "
        "الوسوم, תגיות, แท็ก",
        between=";",
    ),
    Field("assigned_to", columns.OWNERS, of_list=True),
    Field("created_at", columns.CREATED, looks=is_date),
)

CATALOGUE = Catalogue(
    FIELDS,
    own=("id", "customer_code", "customer_type", "created_at"),
    code="customer_code",
    # A number in the pocket is the number of who has no other.
    fallbacks={"name": ("company_name",), "phone": ("secondary_phone",)},
    second={
        **dict.fromkeys(("estado", "stato", "statut"), ("status", "state", ("city", "country", "zip_code"))),
        "cep": ("secondary_phone", "zip_code", ("address", "city", "state")),
    },
    dates=("created_at",),
    amounts=("credit_limit",),
)
