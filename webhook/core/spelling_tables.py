# SPDX-License-Identifier: Apache-2.0
"""How letters and names are spelled in Latin letters: tables only.

`anyascii` has the plain romanisation of each letter; here is where passports and usage differ from it.
"""

import re

# ICAO Doc 9303 part 3, section 6: https://www.icao.int/publications/doc-series/doc-9303
# (its machine readable zone has the letters A to Z; two countries may spell one letter in two ways).
ICAO = tuple(
    str.maketrans(table)
    for table in (
        {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ĳ": "ij", "ə": "e", "đ": "dj",
         "þ": "th", "ð": "dh", "ō": "ou", "ū": "uu"},
        {"ü": "uxx", "ñ": "nxx", "å": "a", "ä": "a", "ö": "o", "ə": "a", "đ": "d", "ð": "d", "ō": "oh"},
        {"ü": "yu", "đ": "dj", "š": "sh", "č": "ch", "ž": "zh", "ć": "ch", "ş": "sh", "ç": "ch"},
    )
)  # fmt: skip

# Cyrillic as ICAO, Ukraine, Serbia and Bulgaria have it in passports; what is not named here is spelled as usual.
CYRILLIC = tuple(
    str.maketrans(table)
    for table in (
        {"ё": "e", "ж": "zh", "й": "i", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y",
         "ь": "", "э": "e", "ю": "iu", "я": "ia", "є": "ie", "ї": "i", "і": "i", "ґ": "g", "ў": "u", "ђ": "d",
         "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz"},
        {"г": "h", "и": "y", "й": "i", "х": "kh", "ц": "ts", "щ": "shch", "ь": "", "ю": "iu", "я": "ia", "є": "ie",
         "ї": "i", "і": "i", "ґ": "g", "ж": "zh"},
        {"ђ": "dj", "ж": "z", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "ц": "c", "ч": "c", "џ": "dz", "ш": "s",
         "х": "h", "ѓ": "gj", "ќ": "kj"},
        {"й": "y", "х": "h", "ц": "ts", "щ": "sht", "ъ": "a", "ь": "y", "ю": "yu", "я": "ya", "ё": "yo"},
        {"ё": "yo", "ъ": "u", "ь": "", "ю": "yu", "я": "ya", "й": "y"},
    )
)  # fmt: skip

# Korean syllables that people spell otherwise than the Revised Romanization does.
HANGUL = {
    "이": ("lee", "yi", "rhee"), "김": ("kim",), "박": ("park", "pak"), "최": ("choi",), "정": ("jung", "chung"),
    "조": ("cho",), "강": ("kang",), "윤": ("yoon",), "임": ("lim",), "림": ("lim", "rim"), "오": ("oh",),
    "유": ("yoo", "ryu"), "류": ("ryu",), "노": ("noh", "roh"), "신": ("shin",), "우": ("woo",), "문": ("moon",),
    "권": ("kwon",), "구": ("koo",), "고": ("ko",), "백": ("paik",), "영": ("young",), "희": ("hee",),
    "준": ("joon",), "수": ("soo",), "현": ("hyun",), "성": ("sung",), "경": ("kyung",), "훈": ("hoon",),
    "주": ("joo",), "선": ("sun",), "연": ("yeon",), "석": ("suk",), "철": ("chul",), "은": ("eun",),
}  # fmt: skip

# What a letter of a script that omits vowels may be in Latin letters.
SKELETON = {
    "y": ("y", "i", "e", "ei", "ai", "ay", "ey", "ie", "iy", "j"),
    "w": ("w", "o", "u", "ou", "v", "au", "aw"),
    "v": ("v", "w", "o", "u", "ou", "b", "f"),
    "kh": ("kh", "k", "c", "ch", "h"),
    "h": ("h", ""),
    "q": ("q", "k", "g", "c"),
    "k": ("k", "c"),
    "th": ("th", "t"),
    "dh": ("dh", "d", "z", "th"),
    "gh": ("gh", "g"),
    "zh": ("zh", "j", "z"),
    "sh": ("sh", "ch", "sch"),
    "s": ("s", "sh"),
    "j": ("j", "g", "dj"),
    "f": ("f", "ph", "p"),
    "m": ("m", "n"),
    "ts": ("ts", "tz", "z"),
    "b": ("b", "v"),
    "a": ("a", "e"),
    "i": ("i", "e"),
    "u": ("u", "oo", "o", "ou"),
}

SKELETON_OF_LETTER = {
    "ח": ("ch", "h", "kh"), "כ": ("k", "c", "ch", "kh"), "ך": ("ch", "kh", "k"), "ש": ("sh", "s"),
    "צ": ("tz", "ts", "z"), "ץ": ("tz", "ts", "z"), "פ": ("p", "f", "ph"), "ף": ("f", "ph", "p"),
    "ث": ("th", "t", "s"), "ذ": ("dh", "d", "z", "th"), "ض": ("d", "dh", "z"), "ظ": ("z", "dh"), "ص": ("s",),
}  # fmt: skip

# Usage rather than rule: what of the left is heard as the right, in words of five letters or more.
SPELLED_ALIKE = tuple(
    (re.compile(pattern), alike)
    for pattern, alike in (
        (r"xx", ""),
        (r"(?<=[aeou])[jyi](?=e)", ""),
        (r"(?<=[^aeiouqg])([ou])e(?=[^aeiouy])", r"\1"),
        (r"(?<=[^aeiou])ae(?=[^aeiouyl])", "a"),
        (r"[jy]", "i"),
        (r"i{2,}", "i"),
        (r"^ie", "e"),
        (r"tsch|tch", "ch"),
        (r"sch|shch", "sh"),
        (r"kh", "h"),
        (r"ck", "k"),
        (r"ph", "f"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"cz|tz|ts", "c"),
        (r"z", "s"),
        (r"ff$", "v"),
        (r"oo|ou", "u"),
        (r"ee", "i"),
        (r"([a-z])\1+", r"\1"),
    )
)

# What is put behind a father's name: the name is what stands before it.
PATRONYMIC = re.compile(
    r"(?:s?son|sen|s?dottir|s?datter|ovich|evich|ovic|evic|ovna|evna|ovsk[iy]+|ov|ev|ova|eva|enko|opoulos|opulos|akis"
    r"|idis|yan|ian|shvili|dze|oglu)$"
)

# Names that have many spellings, one name a line; those of different lines are different names, however close.
_NAMES = """
muhammad mohammed mohamed mohammad mohamad muhammed muhamed muhamad mouhamed mohamet mehmed mehmet md محمد
mahmud mahmoud mahmood mehmood محمود
ahmad ahmed ahmet أحمد احمد
hamid hameed حميد
hamad hamed حمد
hassan hasan حسن
hussein hussain husain husayn hossein hossain husein hussien hosein housein حسين
hussam hossam husam حسام
muhsin mohsen mohsin محسن
yusuf youssef yousef yousuf yusef yussuf youssouf yousif يوسف
ali aly علي
omar umar omer عمر
amr amro عمرو
osama usama oussama أسامة
khalid khaled halid خالد
khalil khaleel halil خليل
said saeed saeid saied سعيد
sayed sayyid sayyed syed
salem سالم
salim saleem سليم
salman سلمان
sulayman suleiman sulaiman soliman suleyman soleiman سليمان
saleh salih صالح
nasser nasir naser nassir ناصر
nasr نصر
faisal faysal feisal فيصل
fahd fahad فهد
ibrahim ebrahim إبراهيم ابراهيم
ismail ismael esmail إسماعيل اسماعيل
mustafa mostafa mustapha moustafa مصطفى
jamal gamal djamal جمال
jamil jameel gamil جميل
karim kareem كريم
karima كريمة
rahim raheem رحيم
rashid rasheed rachid رشيد
rashad رشاد
amin ameen أمين
amina aminah أمينة
fatima fatimah fatma fatemeh فاطمة
aisha aysha ayesha aicha عائشة
zainab zaynab zeinab zeynep زينب
maryam mariam meryem مريم
layla leila laila leyla ليلى
khadija khadijah hatice خديجة
tariq tarek tareq tarik طارق
walid waleed وليد
hisham hesham hicham هشام
mansur mansour mansoor منصور
masud masoud masood مسعود
daud dawood dawud daoud داود
yasin yassin yaseen yassine ياسين
yasir yasser ياسر
bashir basheer bachir بشير
majid majeed مجيد
idris idrees driss إدريس
iqbal eqbal
abdul abdel abdal abd abdoul عبد
abdullah abdallah abdulla abdullahi عبدالله
abdulrahman abdurrahman abdelrahman abdurahman abderrahmane abdalrahman abdrahman عبدالرحمن
abdulaziz abdelaziz abdalaziz عبدالعزيز
abdulrahim abdurrahim abdelrahim
qaddafi gaddafi kadhafi gadhafi qadhafi kadafi القذافي
alexander aleksandr aleksander alexandr alexandre
sergei sergey sergej serge
alexei alexey aleksei aleksey aleksej
yuri yury iurii yuriy iuri juri juriy yurii
fyodor fedor feodor
artyom artem
semyon semen
dmitry dmitri dmitriy dmitrii dmitrij dimitri dimitry
park pak
choi choe
jung jeong
yoon yun
hyun hyeon
joon jun
sung seong
young yeong
kyung kyeong
saint st sankt
smith
smyth
jon
john
angelica angelika
angelina
antonia
antonina
antoine
antonie
cristina christina kristina krystyna
cristiana christiana kristiana
christian kristian cristian
christin kristin cristin
kristen
kirsten
kirstin
branislav
bronislav
radoslav
radislav
natalia natalya nataliya nataliia natalija
natalina
carolina karolina
catalina
johanna
joanna
martina
marina
stephane
stephanie
mariana marianna
rosalina
rosalinda
adriana
ariana arianna
gabriel
gabriela gabriella
daniel
daniela daniella danijela
michael
michal
michele
michelle
julian
juliana
bernard bernhard
leonard leonhard
leonardo
robert
roberta
roberto
thompson
thomson
robinson
robertson
harrison
hoffman hoffmann hofmann hofman
rodriguez rodrigues
gonzalez gonzales
fernandez fernandes
hernandez hernandes
martinez martines
martin
jansen janssen
jensen
hansen hanssen
johansen
johnson
johnsen
jonson
jonsson
jonasson
"""
_LINES = [line.split() for line in _NAMES.splitlines()]
KNOWN = {name: at for at, line in enumerate(_LINES) for name in line if name.isascii()}
NATIVE = {name: at for at, line in enumerate(_LINES) for name in line if not name.isascii()}
