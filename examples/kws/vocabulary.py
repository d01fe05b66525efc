"""What is said, and by whom: the words and the voices of training and of the test.

Read by speech, dataset and train_kws. A voice is an accent of English plus a variant of espeak-ng
("en-us+f3"). A variant is what makes a speaker, so the test set has variants of its own, never heard in
training in any accent.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KEYWORDS = _words("down go left no off on right stop up yes")
SILENCE, UNKNOWN = "silence", "unknown"
LABELS = (*KEYWORDS, SILENCE, UNKNOWN)

# Filler words. The test has others, so "unknown" is tested on words that were never heard before.
UNKNOWN_TRAIN = _words("""
    bed bird cat dog eight five four happy house marvin nine seven sheila six three tree two wow zero
    backward follow forward learn visual boat town gone call cough lift life soft road north south east
    west open close light dark music volume table chair paper water fire green yellow white black orange
    hello thanks please maybe never always today summer winter morning garden window kitchen robot engine
    camera picture number letter school apple banana coffee sugar bread money doctor mother father brother
    child stone river cloud snow rain wind head hand foot eye shop step cup jump cut yard now note low show
    load doll drop rock rice bright ride wrong war all calm
""")
UNKNOWN_TEST = _words("""
    one red blue start play pause next lamp silver market bottle finger monday dinner village animal simple
    travel pencil sister wagon butter basket tiger flower cheese hotel pocket sunday thunder
""")

# "en" is British; espeak-ng 1.51 ignores the variant in "en-gb+f3".
ACCENTS = _words("en en-us en-gb-scotland en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029")

# Some variants are near twins (adam, caleb and klatt; steph, steph2 and steph3): no such pair is split
# between training and test. Robots and announcers are left out.
TRAIN_VARIANTS = _words("""
    Alex Alicia Andrea Andy Annie Denis Diogo Gene Henrique Hugo Jacky Mario Michael Nguyen Storm adam anika
    antonio aunty croak david edward f2 f4 f5 grandpa iven linda m1 m2 m3 m4 m5 m6 m7 marcelo max norbert
    pablo paul rob robert sandro shelby travis zac
""")
TEST_VARIANTS = _words("belinda f1 f3 grandma steph Mike boris ed gustave miguel quincy victor")
