"""Words, voices and the espeak-ng synthesiser: where the recordings come from.

First step of the flow speech -> clips -> mfcc -> train_kws. Every recording is one word, spoken by one
voice. A voice is an accent of English plus a variant of espeak-ng ("en-gb+f3"); a variant is what makes
the speaker, so the test set has variants of its own, never heard in training in any accent.
"""

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass
from multiprocessing.pool import Pool

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000

Signal = NDArray[np.float64]
"""Mono sound at SAMPLE_RATE, any length, full scale is 1."""

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
SILENCE, UNKNOWN = "silence", "unknown"
LABELS = (*KEYWORDS, SILENCE, UNKNOWN)

# Filler words. The test set has other ones, so that "unknown" is tested on words never heard before.
UNKNOWN_TRAIN = tuple(
    "bed bird cat dog eight five four happy house marvin nine seven sheila six three tree two wow zero "
    "backward follow forward learn visual boat town gone call cough lift life soft road north south east "
    "west open close light dark music volume table chair paper water fire green yellow white black orange "
    "hello thanks please maybe never always today summer winter morning garden window kitchen robot "
    "engine camera picture number letter school apple banana coffee sugar bread money doctor mother father "
    "brother child stone river cloud snow rain wind head hand foot eye shop step cup jump cut yard "
    "now note low show load doll drop rock rice bright ride wrong war all calm".split()
)
UNKNOWN_TEST = tuple(
    "one red blue start play pause next lamp silver market bottle finger monday dinner village animal "
    "simple travel pencil sister winner butter basket tiger flower cheese hotel pocket sunday thunder".split()
)

ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")

# Some variants of espeak-ng are twins (adam, caleb and klatt; steph, steph2 and steph3): of such a family
# only one is used, or all stand on the same side.
TRAIN_VARIANTS = tuple(
    "Alex Alicia Andrea Andy Annie Denis Diogo Gene Henrique Hugo Jacky Mario Michael Nguyen Storm adam anika "
    "antonio aunty croak david edward f2 f4 f5 grandpa iven linda m1 m2 m3 m4 m5 m6 m7 marcelo max norbert "
    "pablo paul rob robert sandro shelby travis zac".split()
)
TEST_VARIANTS = tuple("belinda f1 f3 grandma steph Mike boris ed gustave miguel quincy victor".split())
TAPE_SPEED = (0.88, 1.14)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One word as espeak-ng is told to speak it."""

    word: str
    label: str
    voice: str
    words_per_minute: int
    pitch: int
    """espeak-ng's 0 to 99; 50 is the voice's own."""
    tape_speed: float
    """Above 1 the recording is played faster: a smaller throat, as it were."""


def plan_utterances(
    rng: np.random.Generator,
    variants: tuple[str, ...],
    unknown: tuple[str, ...],
    per_keyword: int,
    fillers: int,
) -> tuple[Utterance, ...]:
    """What to record: every keyword `per_keyword` times and `fillers` words out of `unknown`.

    Voices take turns, so that each of them speaks each word about equally often; accent, speed and pitch
    are drawn at random.
    """
    words = [(word, word) for word in KEYWORDS for _ in range(per_keyword)]
    words += [(unknown[i % len(unknown)], UNKNOWN) for i in range(fillers)]
    order = [
        variants[i] for start in range(0, len(words), len(variants)) for i in rng.permutation(len(variants))
    ]
    return tuple(
        Utterance(
            word=word,
            label=label,
            voice=f"{rng.choice(ACCENTS)}+{variant}",
            words_per_minute=int(rng.integers(120, 220)),
            pitch=int(rng.integers(25, 76)),
            tape_speed=float(rng.uniform(*TAPE_SPEED)),
        )
        for (word, label), variant in zip(words, order, strict=False)
    )


def check_espeak() -> None:
    """Raise SystemExit with a one-line message when espeak-ng or one of its voices is missing.

    espeak-ng itself speaks an unknown variant with the accent's plain voice and says nothing.
    """
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is missing: install it (Debian, Ubuntu: sudo apt-get install espeak-ng)")
    listed = [
        subprocess.run(["espeak-ng", f"--voices={kind}"], capture_output=True, text=True, check=True).stdout
        for kind in ("en", "variant")
    ]
    languages = {line.split()[1] for line in listed[0].splitlines()}
    variants = {part.removeprefix("!v/") for part in listed[1].split() if part.startswith("!v/")}
    missing = {*ACCENTS} - languages | {*TRAIN_VARIANTS, *TEST_VARIANTS} - variants
    if missing:
        raise SystemExit(f"this espeak-ng lacks voices ({', '.join(sorted(missing))}): install 1.50 or later")


def resample(signal: Signal, rate: float) -> Signal:
    """The signal at SAMPLE_RATE instead of `rate` Hz, by cutting its spectrum (an ideal low pass)."""
    length = round(len(signal) * SAMPLE_RATE / rate)
    spectrum = np.fft.rfft(signal)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * (length / len(signal))


def trim(signal: Signal, threshold: float = 0.01) -> Signal:
    """The signal without what is quieter than `threshold` times its peak at both ends."""
    loud = np.flatnonzero(np.abs(signal) > threshold * np.abs(signal).max())
    return signal[loud[0] : loud[-1] + 1]


def speak(utterance: Utterance) -> Signal:
    """The spoken word, trimmed, its loudest sample at 1."""
    options = ["-v", utterance.voice, "-s", str(utterance.words_per_minute), "-p", str(utterance.pitch)]
    command = ["espeak-ng", *options, "--stdout", utterance.word]
    recorded = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(recorded)) as reader:
        rate = reader.getframerate()
        samples = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
    signal = trim(resample(samples.astype(np.float64), rate * utterance.tape_speed))
    return signal / np.abs(signal).max()


def speak_all(pool: Pool, utterances: tuple[Utterance, ...]) -> tuple[Signal, ...]:
    """All utterances, recorded by the pool's processes; the order stays."""
    return tuple(pool.map(speak, utterances, chunksize=16))
