"""What people and other systems call the columns about a person, in some thirty languages. Pure.

Each is a list with commas, as `fields.Field` takes it; which field they go into the catalogue of a service says.
"""

NAMES = (
    "name, full name, contact name, display name, nom complet, nombre completo, nome completo, vollstandiger name, "
    "ansprechpartner, 姓名, 名前, 氏名, 이름, имя, фио, contact, contact full name, person name, kontakt, "
    "kontaktname, имя и фамилия, контактное лицо, імя, ім я, піб, ονοματεπωνυμο, ad soyad, adi soyadi, "
    "imie i nazwisko, jmeno a prijmeni, nev, teljes nev, nume complet, nume, naam, volledige naam, namn, navn, nimi, "
    "성명, ชื่อ นามสกุล, ชื่อ สกุล, ho va ten, ho ten, ten, nama, nama lengkap, الاسم, الاسم الكامل, שם, שם מלא, "
    "სახელი და გვარი, contact person, person, osoba kontaktowa, persoana de contact, yhteyshenkilo, nom du contact, "
    "personne de contact, nombre de contacto, pessoa de contato, ผู้ติดต่อ, kontaktperson, kontaktni osoba, "
    "kapcsolattarto, yetkili kisi, ilgili kisi, contactpersoon, contatto, referente, contacto, persona de contacto, "
    "persona di contatto, interlocuteur, контакт, контактна \u043e\u0441\u043e\u0431\u0430, 担当者, 担当者名, "
    "담당자, 담당자명, 联系人, 聯絡人, ชื่อผู้ติดต่อ, nguoi lien he, kontak, جهة الاتصال, איש קשר, नाम, पूरा नाम, "
    "nome e cognome, nombre y apellidos, nom et prenom, vor und nachname, fullt navn, fullstandigt namn, fulde navn, "
    "fullt nafn, nafn, koko nimi, puno ime, ime i prezime, ime in priimek"
)
FIRST_NAMES = (
    "first name, given name, vorname, prenom, nombre, nome, voornaam, fornamn, etunimi, imie, forename, first, ad, "
    "adi, isim, jmeno, krstne meno, keresztnev, utonev, prenume, ime, fornavn, имя клиента, имя контакта, ονομα, "
    "სახელი, ชื่อ, ชื่อจริง, nama depan, الاسم الاول, שם פרטי, 名, pierwsze imie, meno, vardas, vards, eesnimi, "
    "emri, име, krestni jmeno, eiginnafn, nome proprio, fornafn, पहला नाम, ism, voornamen, prenoms, ten goi, "
    "ten rieng"
)
MIDDLE_NAMES = (
    "middle name, additional name, отчество, по батькові, ten dem, weitere vornamen, zweiter vorname, deuxieme "
    "prenom, segundo nombre, drugie imie, tweede naam, tussenvoegsel, mellannamn, mellemnavn, mellomnavn, ikinci "
    "ad, اسم الاب"
)
FAMILY_NAMES = (
    "last name, family name, surname, nachname, familienname, nom de famille, nom, apellido, apellidos, cognome, "
    "achternaam, efternamn, sukunimi, nazwisko, last, soyad, soyadi, prijmeni, priezvisko, vezeteknev, csaladnev, "
    "nume de familie, prezime, etternavn, efternavn, фамилия, прізвище, επωνυμο, გვარი, นามสกุล, สกุล, ho, nama "
    "belakang, اسم العائلة, اللقب, שם משפחה, 姓, 성, kenninafn, उपनाम, sobrenome, apelido, achternamen, ho dem, "
    "ho va ten dem, priimek, uzvards, mbiemri, perekonnanimi, презиме, фамилно име, soyisim, soy isim, pavarde"
)
EMAILS = (
    "email, e mail, mail, email address, e mail address, mail address, e mail adresse, mailadresse, emailadresse, "
    "courriel, adresse e mail, adresse de messagerie, correo, correo electronico, direccion de correo electronico, "
    "posta elettronica, indirizzo e mail, 邮箱, 電子郵件, 电子邮件, メール, メールアドレス, 이메일, почта, эл почта, "
    "электронная почта, ηλεκτρονικο ταχυδρομειο, e posta, eposta, elposta, email cim, e mail cim, البريد الالكتروني, "
    "البريد, דואל, דוא ל, อีเมล, ელფოსტა, ელ ფოსტა, 电邮, 이메일 주소, email work, email home, email other, "
    "primary email, person email, adres e mail, adres email, mailova adresa, emailova adresa, e mailova adresa, "
    "epost, e post, e postadresse, netfang, sahkoposti, sahkopostiosoite, adresa de email, adresa e mail, correo e, "
    "e mailadres, emailadres, ηλ ταχυδρομειο, διευθυνση email, электронный адрес, адрес электронной почты, "
    "електронна пошта, эл адрес, имейл, eメール, eメールアドレス, e メール, 電子メール, 邮箱地址, 電郵, อีเมลล์, "
    "thu dien tu, dia chi email, surel, alamat email, بريد الكتروني, ईमेल, ई मेल, endereco de e mail, "
    "endereco de email, e postadress"
)
PHONES = (
    "phone, phone number, telephone, telephone number, tel, telefon, telefonnummer, telefonnr, telefono, "
    "telefone, numero de telephone, 电话, 電話, 電話番号, 手机, 전화, телефон, numero de telefono, rufnummer, "
    "festnetz, puhelin, telefoon, telefon numarasi, телефоны, номер телефона, τηλεφωνο, 전화번호, 연락처, "
    "联系电话, 電話號碼, โทรศัพท์, เบอร์โทร, เบอร์โทรศัพท์, dien thoai, so dien thoai, sdt, الهاتف, رقم الهاتف, "
    "هاتف, טלפון, מספר טלפון, ტელეფონი, telefonszam, numar de telefon, telefoonnummer, no telepon, telepon, "
    "person phone, numer telefonu, nr telefonu, nr tel, telefonni cislo, telefonne cislo, simi, simanumer, "
    "puhelinnumero, tlf, tlf nr, tel no, telefon no, numero telefono, numero de telefone, номер телефону, "
    "контактный телефон, тел, お電話番号, tel番号, 連絡先電話番号, 电话号码, หมายเลขโทรศัพท์, เบอร์ติดต่อ, nomor "
    "telepon, nomor hp, फ़ोन, दूरभाष, फ़ोन नंबर, טל, телефонен номер"
)
WORK_PHONES = "work phone, business phone, phone work, telefon firma, telefon arbeit, dienstlich"
MAIN_PHONES = "main phone, company main phone, company phone, primary phone, hauptnummer"
HOME_PHONES = "home phone, phone home, telefon privat, festnetz privat"
OTHER_PHONES = "other phone, phone other, weiteres telefon"
MOBILES = (
    "mobile, mobile phone, mobile phone number, mobile number, cell, cell phone, mobil, handy, handynummer, "
    "mobiltelefon, mobilnummer, mobiltelefonnummer, portable, telephone mobile, telephone portable, movil, "
    "telefono movil, celular, cellulare, phone mobile, tel mobile, tel portable, mobil privat, mobil dienstlich, "
    "mobil geschaftlich, cep, cep telefonu, gsm, komorka, telefon komorkowy, мобильный, мобильный телефон, моб "
    "телефон, мобільний, κινητο, κινητο τηλεφωνο, 휴대폰, 휴대전화, 핸드폰, 手机号码, 携帯電話, 携帯, มือถือ, "
    "เบอร์มือถือ, di dong, so di dong, الجوال, رقم الجوال, المحمول, الموبايل, נייד, טלפון נייד, მობილური, mobiel, "
    "hp, numer komorkowy, tel komorkowy, telefon kom, tel kom, mobilni telefon, mobilny telefon, "
    "mobiltelefonszam, mobilszam, matkapuhelin, mobilnr, farsimi, gsm no, cep no, mobiele telefoon, mobiel "
    "nummer, numero di cellulare, telefono cellulare, telemovel, telefone celular, numero de celular, моб, "
    "сотовый, сотовый телефон, мобильный номер, мобільний телефон, 携帯番号, 手機, 手機號碼, 移动电话, "
    "휴대폰번호, 핸드폰번호, dien thoai di dong, جوال, موبايل, نقال, मोबाइल, मोबाइल नंबर, telefon mobil"
)
COMPANIES = (
    "company, company name, organization, organization name, organisation, organisation name, account, account "
    "name, firma, firmenname, unternehmen, unternehmensname, societe, entreprise, empresa, azienda, associated "
    "company, business name, employer, company account, name des unternehmens, nombre de la empresa, nom de l "
    "entreprise, bedrijf, 公司, 会社名, 会社, 회사, компания, организация, name der organisation, название "
    "компании, компанія, юридическое лицо, εταιρεια, επωνυμια, επωνυμια εταιρειας, sirket, sirket adi, firma adi, "
    "nazwa firmy, nazev firmy, spolecnost, ceg, cegnev, companie, bedrijfsnaam, foretag, virksomhed, yritys, "
    "회사명, 법인명, 公司名称, 公司名稱, 企業名, บริษัท, ชื่อบริษัท, cong ty, ten cong ty, perusahaan, nama "
    "perusahaan, الشركة, اسم الشركة, חברה, שם החברה, კომპანია, nome azienda, ragione sociale, razon social, "
    "raison sociale, razao social, nome da empresa, nombre empresa, firmanavn, fyrirtaeki, yrityksen nimi, "
    "foretagsnamn, virksomhedsnavn, firmanaam, organisatie, organizacja, organizace, szervezet, kurum, kurulus, "
    "naziv firme, tvrtka, podjetje, фирма, предприятие, юрлицо, назва компанії, підприємство, фірма, 勤務先, "
    "御社名, 单位, 기관명, ชื่อหน่วยงาน, organisasi, المؤسسة, ארגון, कंपनी, कंपनी का नाम, संस्था"
)
NOTES = (
    "notes, note, description, comment, comments, remarks, remark, notizen, notiz, bemerkung, bemerkungen, "
    "beschreibung, message, nachricht, kommentar, anmerkung, anmerkungen, notas, observaciones, commentaire, "
    "commentaires, descripcion, nota, примечание, примечания, комментарий, заметки, примітки, σημειωσεις, notlar, "
    "aciklama, uwagi, notatki, opis, poznamka, poznamky, megjegyzes, observatii, opmerkingen, anteckningar, "
    "muistiinpanot, 메모, 비고, 备注, 備註, 備考, メモ, หมายเหตุ, ghi chu, catatan, ملاحظات, הערות, შენიშვნა, "
    "komentarz, komentarze, komentar, komentare, note interne, annotazioni, osservazioni, observacoes, notatka, "
    "заметка, комментарии, коментар, примітка, коментарі, メモ欄, コメント, 특이사항, הערה, टिप्पणी, नोट्स, "
    "anteckning, notater, merknader, bemerkninger, athugasemdir, huomautukset, opmerking, notities, observatie, "
    "megjegyzesek, jegyzet"
)
SOURCES = (
    "source, lead source, origin, quelle, herkunft, origen, account source, original source, leadquelle, origine, "
    "referred by, contact source, zrodlo, zrodlo leada, zdroj, forras, sursa, kaynak, bron, herkomst, kilde, "
    "kalla, lahde, источник, источник лида, джерело, προελευση, πηγη, fonte, fonte do lead, origem, fuente, "
    "流入経路, 情報源, 来源, 來源, 客户来源, 출처, 유입경로, nguon, sumber, المصدر, מקור, แหล่งที่มา, स्रोत"
)
PRIORITIES = (
    "priority, prioritat, priorite, prioridad, priorita, wichtigkeit, priorytet, prioritet, prioriteit, "
    "prioritas, oncelik, prioritate, prioridade, fontossag, приоритет, пріоритет, προτεραιοτητα, 優先度, 优先级, "
    "優先級, 우선순위, do uu tien, الاولوية, עדיפות, ความสำคัญ, prioriteetti, प्राथमिकता"
)
OWNERS = (
    "assigned to, owner, account owner, contact owner, company owner, lead owner, assignee, sales rep, owner "
    "email, owner name, zustandig, zustandiger, verantwortlich, verantwortlicher, responsable, propietario, "
    "proprietaire, bearbeiter, betreuer, kundenbetreuer, account manager, besitzer, inhaber, kontaktinhaber, "
    "salesperson, opiekun, opiekun klienta, wlasciciel, handlowiec, vlastnik, odpovedna osoba, obchodnik, "
    "felelos, ugyfelgazda, responsabil, sorumlu, musteri temsilcisi, temsilci, eigenaar, verantwoordelijke, "
    "accountmanager, ansvarlig, ansvarig, vastuuhenkilo, ответственный, менеджер, владелец, відповідальний, "
    "υπευθυνος, responsavel, proprietario, 担当, 営業担当, 負責人, 负责人, 业务员, 영업담당, nguoi phu trach, "
    "penanggung jawab, المسؤول, אחראי, ผู้รับผิดชอบ, vendedor, comercial, commerciale"
)
CREATED = (
    "created at, created, create date, created date, date created, created time, creation date, created on, "
    "created datetime, angelegt am, angelegt, erstellt am, erstellt, erstellungsdatum, erstelldatum, anlagedatum, "
    "kunde seit, customer since, date de creation, fecha de creacion, data di creazione, person created, "
    "organization created, data utworzenia, data dodania, utworzono, datum vytvoreni, vytvoreno, letrehozva, "
    "letrehozas datuma, data crearii, creat la, olusturma tarihi, kayit tarihi, aanmaakdatum, aangemaakt op, "
    "oprettet, oprettelsesdato, opprettet, skapad, skapad datum, luotu, luontipaiva, дата создания, создан, "
    "создано, дата створення, створено, ημερομηνια δημιουργιας, data de criacao, criado em, creado el, fecha de "
    "alta, fecha creacion, date creation, cree le, creato il, 登録日, 作成日, 作成日時, 创建时间, 创建日期, "
    "建立日期, 등록일, 생성일, ngay tao, tanggal dibuat, تاريخ الانشاء, תאריך יצירה, วันที่สร้าง"
)
# Of what is sold.
AMOUNTS = (
    "value, amount, wert, betrag, montant, valeur, importe, valor, importo, valore, wartosc, kwota, hodnota, castka, "
    "suma, ertek, osszeg, valoare, tutar, deger, bedrag, waarde, belopp, varde, belob, verdi, arvo, summa, сумма, "
    "стоимость, сума, вартість, αξια, ποσο, 金額, 金额, 금액, gia tri, so tien, nilai, القيمة, المبلغ, סכום, ערך, "
    "มูลค่า"
)
CURRENCIES = (
    "currency, wahrung, devise, moneda, valuta, waluta, mena, penznem, para birimi, doviz, валюта, νομισμα, moeda, "
    "通貨, 货币, 통화, tien te, mata uang, العملة, מטבע, สกุลเงิน"
)
