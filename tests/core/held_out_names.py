# SPDX-License-Identifier: Apache-2.0
"""Full names of public people as two sources write them, and of others who are nearly called so, one pair a line.

Written without a look at the rules, and nothing was changed for them since: what comes out is a forecast.
`python tests/core/held_out_names.py` measures it.
"""

from webhook.core.person import Match, Person
from webhook.core.same_person import same_name

SAME = """\
Vladimir Putin|Владимир Путин
Volodymyr Zelenskyy|Володимир Зеленський
Volodymyr Zelensky|Володимир Зеленський
Alexei Navalny|Алексей Навальный
Mikhail Gorbachev|Михаил Горбачёв
Sergei Lavrov|Sergey Lavrov
Aleksandr Pushkin|Alexander Pushkin
Xi Jinping|习近平
Mao Zedong|毛泽东
Mao Tse-tung|Mao Zedong
Shinzo Abe|安倍 晋三
Haruki Murakami|村上 春樹
Haruki Murakami|ハルキ ムラカミ
Kim Jong-un|김정은
Ban Ki-moon|반기문
Ban Ki Moon|Ban Kimoon
Muhammad Ali|Mohamed Ali
Mohammed bin Salman|Muhammad bin Salman
محمد صلاح|Mohamed Salah
محمود درويش|Mahmoud Darwish
نجيب محفوظ|Naguib Mahfouz
Muammar Gaddafi|Moammar Qaddafi
Benjamin Netanyahu|בנימין נתניהו
עמוס עוז|Amos Oz
Nikos Kazantzakis|Νίκος Καζαντζάκης
Alexis Tsipras|Αλέξης Τσίπρας
Giannis Antetokounmpo|Γιάννης Αντετοκούνμπο
Recep Tayyip Erdoğan|Recep Tayyip Erdogan
Orhan Pamuk|ORHAN PAMUK
Lech Wałęsa|Lech Walesa
Stanisław Lem|Stanislaw Lem
Václav Havel|Vaclav Havel
Björk Guðmundsdóttir|Bjork Gudmundsdottir
Søren Kierkegaard|Soeren Kierkegaard
Jürgen Klopp|Juergen Klopp
Gerhard Schröder|GERHARD SCHROEDER
José Luis Rodríguez Zapatero|Jose Luis Rodriguez Zapatero
José Luis Rodríguez Zapatero|José Rodríguez Zapatero
Gabriel García Márquez|Gabriel Garcia Marquez
Luiz Inácio Lula da Silva|Luiz Inacio Lula da Silva
Cristiano Ronaldo dos Santos Aveiro|Cristiano Ronaldo Aveiro
François Hollande|Francois Hollande
Jean-Claude Juncker|Jean Claude Juncker
Ursula von der Leyen|Ursula von der Leyen
Vincent van Gogh|Vincent Van Gogh
Sinéad O'Connor|Sinead OConnor
Conor McGregor|Conor Mc Gregor
Narendra Modi|नरेन्द्र मोदी
Amitabh Bachchan|अमिताभ बच्चन
Sachin Tendulkar|सचिन तेंडुलकर
Rabindranath Tagore|রবীন্দ্রনাথ ঠাকুর
Sheikh Hasina|শেখ হাসিনা
Rajinikanth|ரஜினிகாந்த்
Kamal Haasan|கமல்ஹாசன்
Aung San Suu Kyi|Aung San Su Kyi
Thaksin Shinawatra|ทักษิณ ชินวัตร
Ho Chi Minh|Hồ Chí Minh
Nguyễn Phú Trọng|Nguyen Phu Trong
Mikheil Saakashvili|მიხეილ სააკაშვილი
Nikol Pashinyan|Նիկոլ Փաշինյան
Abiy Ahmed|አብይ አህመድ
Haile Gebrselassie|Haile Gebreselassie
Ilham Aliyev|İlham Əliyev
Nursultan Nazarbayev|Нурсултан Назарбаев
Novak Djokovic|Новак Ђоковић
Novak Đoković|Novak Djokovic
Slobodan Milošević|Слободан Милошевић
Viktor Orbán|Orbán Viktor
Li Keqiang|Keqiang Li
Nicolae Ceaușescu|Nicolae Ceausescu
Jens Stoltenberg|Jens Stoltenburg
Angela Dorothea Merkel|Angela Merkel
Barack Hussein Obama II|Barack Obama
Elizabeth Alexandra Mary Windsor|Elizabeth Windsor
Maria Skłodowska-Curie|Maria Sklodowska Curie
Marie Curie|Maria Curie
Christopher Nolan|Cristopher Nolan
Katherine Johnson|Catherine Johnson
Stephen King|Steven King
Robert De Niro|Robert DeNiro
Bashar al-Assad|بشار الأسد
Hassan Rouhani|حسن روحانی
Ali Khamenei|Ali Khamenei
Benazir Bhutto|بینظیر بھٹو
Imran Khan|عمران خان
Joko Widodo|Joko Widodo
Mahathir bin Mohamad|Mahathir Mohamad
Lee Kuan Yew|李光耀
Chiang Kai-shek|Jiang Jieshi
Jackie Chan|Jacky Chan
Yo-Yo Ma|Yo Yo Ma
Park Geun-hye|박근혜
Tedros Adhanom Ghebreyesus|Tedros Adhanom
Wole Soyinka|Wọlé Ṣóyínká
Chinua Achebe|Chinụa Achebe
"""
OTHERS = """\
Vladimir Putin|Vladimir Pushkin
George Bush|George H Busher
Sergei Lavrov|Sergei Larov
Kim Jong-un|Kim Jong-il
Kim Jong-un|Kim Jong-nam
Xi Jinping|Xu Jinping
Li Wei|Li Wen
Wang Wei|Wang Mei
Zhang Min|Zhang Ming
Mohamed Ali|Mohamed Alami
Ahmed Hassan|Ahmed Hussein
Mohammed bin Salman|Mohammed bin Sultan
Mohammed bin Salman|Mohammed bin Zayed
Maria Garcia|Mario Garcia
Maria Garcia Lopez|Maria Garcia Perez
Jose Martinez|Jose Martin
Juan Carlos Perez|Juan Pablo Perez
Daniel Johnson|Danielle Johnson
John Smith|Jon Smyth-Jones
John Smith|John Smithson
Anna Schmidt|Anne Schmidt
Peter Müller|Petra Müller
Hans Meier|Hans Maier
Stefan Hoffmann|Stefanie Hoffmann
Thomas Becker|Thomas Bäcker
Alexander Ivanov|Alexandra Ivanova
Иван Петров|Иван Петренко
Иван Иванович Петров|Иван Петрович Иванов
Олена Коваль|Олена Коваленко
Nikos Papadopoulos|Nikos Papadakis
Giorgos Papandreou|Andreas Papandreou
Nguyen Van An|Nguyen Van Anh
Nguyen Thi Lan|Nguyen Thi Loan
Tran Minh|Tran Minh Hai Dang Khoa
Park Ji-min|Park Ji-hyun
Lee Min-ho|Lee Min-a
김민수|김민지
田中 太郎|田中 次郎
山田 花子|山田 華子
Yuki Tanaka|Yuko Tanaka
Kenji Sato|Kenta Sato
王伟|王芳
محمد علي|محمود علي
أحمد حسن|أحمد حسين
Fatima Zahra|Fatima Zohra
Abdul Rahman|Abdul Rahim
Abdul Aziz|Abdul Azim
Priya Sharma|Priyanka Sharma
Rahul Gandhi|Rajiv Gandhi
Sunil Kumar|Sushil Kumar
Amit Patel|Amita Patel
राम कुमार|राज कुमार
Siti Nurhaliza|Siti Nurhasanah
Somchai Jaidee|Somsak Jaidee
Ana Silva Santos|Ana Silva Souza
João Pedro Silva|João Paulo Silva
Carlos Alberto|Carlos Roberto
Jean Dupont|Jeanne Dupont
Pierre Martin|Pierre Martinez
Marc Lefevre|Marie Lefevre
Giovanni Rossi|Giovanna Rossi
Paolo Bianchi|Paola Bianchi
Andrea Conti|Andreas Conte
Jan Novák|Jana Nováková
Piotr Kowalski|Piotr Kowalczyk
Anna Nowak|Hanna Nowak
Erik Johansson|Erika Johansson
Lars Hansen|Lars Hanssen Berg
Ole Nielsen|Ole Nilsson
Jón Jónsson|Jón Jónasson
Guðrún Jónsdóttir|Guðrún Jóhannsdóttir
Mehmet Yılmaz|Ahmet Yılmaz
Ayşe Demir|Ayşen Demir
Ali Reza|Ali Rıza Bey
David Cohen|Daniel Cohen
Moshe Levi|Moshe Levin
Sarah Levy|Sara Levin
Michael Brown|Michelle Brown
William Jones|Williams Jonas
James Wilson|Jamie Wilson
Robert Taylor Jr|Roberta Taylor
Emma Clark|Emma Clarkson
Oluwaseun Adeyemi|Oluwatobi Adeyemi
Chidi Okafor|Chika Okafor
Kwame Nkrumah|Kwame Nkansah
Haile Tesfaye|Hailu Tesfaye
"""


def matched(pairs: str) -> list[str]:
    """Those of the pairs that are said to be one person's."""
    return [pair for pair in pairs.splitlines() if _is_one(*pair.split("|"))]


def _is_one(one: str, other: str) -> bool:
    return same_name(Person(full_name=one), Person(full_name=other)) is Match.MATCHED


def measured() -> tuple[float, float]:
    """Precision and recall."""
    right, wrong = len(matched(SAME)), len(matched(OTHERS))
    return right / (right + wrong), right / len(SAME.splitlines())


if __name__ == "__main__":
    precision, recall = measured()
    print(f"precision {precision:.2f}, recall {recall:.2f}; admitted wrongly: {'; '.join(matched(OTHERS))}")
