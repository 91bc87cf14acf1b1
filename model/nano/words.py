"""Words that episodes are made of, and invented ones.

A word is held out when its hash says so: held-out words never occur in training, neither in tool
descriptions nor in requests.
"""

import hashlib


def is_held_out(word):
    return hashlib.sha256(word.encode()).digest()[0] % 6 == 0


def split(text):
    return text.split()


# What things have: "the price of the device X". No two of them mean the same.
ATTRIBUTES = split("""
price owner height color status weight length speed age rating capacity temperature author director
manager address phone deadline budget size version title category score rank material origin
population depth volume salary balance limit priority region license country language captain teacher
doctor founder sponsor schedule duration distance power voltage pressure density humidity label model
brand flavor texture shape level target revenue profit discount stock quantity supplier contact email
website capital currency width birthday nickname editor publisher warranty format encoding branch
checksum latency memory storage battery altitude latitude engine seat gate platform altitude dose
allergy diet grade credit fee fine tax rent mortgage interest premium bonus overtime absence shift
vacation location destination route carrier tracking invoice receipt contract clause expiry password
username role permission team floor desk shelf barcode serial crew cargo tonnage harvest yield soil
rainfall wind visibility tide dialect anthem motto emblem alias mood theme genre tempo key
""")

# Questions of an attribute in other words; {e} is the thing.
ASIDE = {
    "price": ["How much does {e} cost?", "What does {e} cost?", "How much is {e}?"],
    "owner": ["Who owns {e}?", "Whom does {e} belong to?"],
    "height": ["How high is {e}?", "How tall is {e}?"],
    "weight": ["How heavy is {e}?", "How much does {e} weigh?"],
    "length": ["How long is {e}?"],
    "speed": ["How fast is {e}?"],
    "age": ["How old is {e}?"],
    "author": ["Who wrote {e}?", "Who is the writer of {e}?"],
    "director": ["Who directs {e}?", "Who heads {e}?"],
    "manager": ["Who manages {e}?", "Who is in charge of {e}?"],
    "deadline": ["When is {e} due?", "By when must {e} be done?"],
    "temperature": ["How warm is {e}?", "How hot is {e}?"],
    "population": ["How many people live in {e}?"],
    "depth": ["How deep is {e}?"],
    "width": ["How wide is {e}?"],
    "origin": ["Where does {e} come from?"],
    "location": ["Where is {e}?", "Where can I find {e}?"],
    "founder": ["Who founded {e}?"],
    "sponsor": ["Who sponsors {e}?", "Who pays for {e}?"],
    "supplier": ["Who supplies {e}?", "Who delivers {e}?"],
    "publisher": ["Who published {e}?"],
    "teacher": ["Who teaches {e}?"],
    "phone": ["How can I call {e}?", "Which number do I dial for {e}?"],
    "stock": ["How many of {e} are left?"],
    "birthday": ["When was {e} born?"],
    "color": ["Which color is {e}?"],
    "status": ["How far along is {e}?", "What happened to {e}?"],
    "address": ["Where does {e} live?"],
    "revenue": ["How much did {e} earn?"],
    "salary": ["How much is {e} paid?"],
    "capacity": ["How much fits into {e}?", "How many fit into {e}?"],
    "duration": ["How much time does {e} take?"],
    "destination": ["Where does {e} go to?", "Where is {e} headed?"],
    "carrier": ["Who carries {e}?"],
    "expiry": ["When does {e} expire?", "How long is {e} valid?"],
    "rating": ["How good is {e}?"],
    "tax": ["How is {e} taxed?"],
    "currency": ["What does one pay with in {e}?"],
}

KINDS = split("""
ship plant robot house bridge garden ticket order customer book song film recipe server device sensor
account contract patient student course school hospital museum station train flight hotel room table lamp
camera printer router battery farm river mountain island village market shop bank fund share parcel vehicle
truck bicycle boat tower library player match league event meeting task folder document package license
policy product supplier warehouse planet star crystal potion dragon castle employee company office city
country region department project client vendor machine pump valve motor cable antenna drone satellite
telescope laboratory sample experiment chemical medicine vaccine nurse clinic ward ambulance soldier unit
regiment fort harbor dock crane container pallet barrel bottle jar basket cart wagon tunnel road street
park lake forest meadow field orchard vineyard stable horse cow sheep goat hen beehive kitchen oven stove
cup plate knife painting statue violin piano drum concert theater actor singer band album playlist podcast
journal article poem novel chapter page poster map atlas compass tent rope lantern boot jacket scarf hat
""")

ADJECTIVES = split("""
red blue green small large old new quick slow bright dark cold warm quiet loud heavy light sharp smooth rough
clean fresh solid liquid gentle brave calm early late local global public private simple modern ancient hidden
open closed low normal high active idle broken ready empty full safe busy sunny cloudy rainy pending sent
packed lost found new used frozen ripe raw late paid free taken
""")

ACTIONS = split("""
cancel close open start stop pause resume delete archive rename move copy send forward print scan lock unlock
rent sell buy repair clean paint water feed weigh pack unpack ship return refund approve reject assign escalate
mute block invite remind book reserve charge load unload inspect test calibrate reboot restart update upgrade
install remove backup restore publish share translate summarize compress encrypt sign verify merge split sort
tag rate review track measure heat cool freeze cook bake mix
""")

NOUNS = split("""
discount flight journey receipt device refund order payment delivery complaint report plan visit meeting
purchase contract invoice holiday absence training laptop phone visitor badge key parcel sample accident repair
booking transfer donation loan trip expense gift permit inspection audit backup password release incident
shipment return claim form budget offer tender license overtime shift vacancy interview
""")

ROLES = split("""
director manager salesperson accountant secretary engineer nurse teacher driver inspector owner tenant lawyer
doctor supervisor clerk committee board council treasurer librarian guard chef captain editor auditor
management assistant customer supplier technician
""")

DONE = split("""
decided approved checked signed paid reviewed handed announced reported accepted returned collected stored
archived replaced repaired confirmed recorded printed counted measured cancelled delivered published destroyed
registered invoiced tested
""")

UNITS = split("percent euros days hours kilograms kilometres pages tons litres weeks minutes metres people dollars")
FIRST = split("""
Anna Ben Carla David Elena Frank Grace Henry Irene Jack Karen Leo Maria Nina Oscar Paula Rosa Samuel Tina Ursula
Victor Wendy Yvonne Zoe Ahmed Bianca Carlos Diana Emil Fatima Georg Hana Ivan Julia Kofi Laura Marco Noor Olga
Pedro Ravi Sofia Tomas Yuki Ayla Deniz Murat Elif
""")
MONTHS = split("January February March April May June July August September October November December")

ONSETS = split("b br c d dr f fl g gr h j k kr l m n p pl qu r s sh st t th tr v w z x")
VOWELS = split("a e i o u ai ea oo y")
CODAS = ["", "", "n", "r", "l", "s", "m", "x", "k", "t", "nd", "rt", "sh"]
AVOIDED = ("shit", "fuk", "fag", "nig", "cun", "tit", "kok")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def invent(rng, syllables=None):
    """A word that means nothing."""
    if rng.random() < 0.12:
        return "".join(rng.choice(LETTERS) for _ in range(rng.randint(3, 7)))
    count = syllables or rng.choice([1, 2, 2, 2, 3])
    while True:
        word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(count))
        if len(word) > 2 and not any(bad in word for bad in AVOIDED):
            return word
