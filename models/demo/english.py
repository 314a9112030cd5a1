"""The English sentences the demo models know: 274 word types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from models.demo.slots import Cardinals, read_out, split

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from models.demo.slots import Composer

_WORDS: Final[Mapping[str, str]] = {
    "one": "one two three four five six seven eight nine",
    "teen": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "ten": "twenty thirty forty fifty sixty seventy eighty ninety",
    "digit": "zero one two three four five six seven eight nine",
    "hour": "one two three four five six seven eight nine ten eleven twelve",
    "ordinal": "first second third fourth fifth sixth seventh eighth ninth tenth",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": (
        "January February March April May June July August September October November December"
    ),
    "name": "Peter Anna Maria Tom",
    "person": "she he Peter Anna Maria Tom",
    "they": "I you we they",
    "city": "London Paris Berlin Boston Dublin Rome",
    "do": "want need like see find buy take bring open close",
    "does": "wants needs likes sees finds buys takes brings opens closes",
    "things": (
        "coffee water bread milk tickets books flowers apples boxes windows doors keys letters "
        "pictures"
    ),
    "food": "coffee tea water bread milk cheese soup fish rice cake",
    "place": "house garden office kitchen school station market church river street",
    "spot": "office station market hotel airport school library",
    "kind": "red green blue black white big small old new cold hot good",
    "when": "today tomorrow tonight yesterday now later",
    "soon": "today tomorrow tonight later",
    "part": "morning evening afternoon night week",
    "daytime": "morning evening afternoon",
    "job": "doctor teacher driver farmer lawyer nurse",
    "weather": "sunny windy rainy cloudy warm dry cold hot",
    "event": "meeting train lesson party game",
    "ride": "train bus plane",
    "feeling": "fine happy tired busy ready late",
    "often": "always never often sometimes",
    "thing": "book ticket letter picture key box door window phone car",
    "family": "mother father brother sister friend",
    "round": "ten fifteen twenty thirty",
    "verdict": "good great fine perfect",
    "way": "left right",
}
SLOTS: Final[Mapping[str, tuple[str, ...]]] = split(_WORDS)

#: Sentence patterns. A slot in braces is drawn anew at each place. No apostrophes: espeak-ng
#: splits such words into several timed events. Greetings carry a slot so that some of their
#: forms are held out and the others trained.
PATTERNS: Final[tuple[str, ...]] = (
    "the {event} starts on {day} {daytime}",
    "{they} {do} {number} {kind} {things} {when}",
    "{person} {does} the {kind} {things} in the {place}",
    "my number is {digits}",
    "where is the {kind} {place}?",
    "the weather is {weather} and {weather} {when}",
    "{person} is a {job} at the {place}",
    "can you {do} the {things}, please?",
    "it costs {number} dollars and {number} cents",
    "please call the {job} on {day} at {number}",
    "there are {number} {things} near the {place}",
    "{they} {do} {things} and {things} on {day}",
    # words in random order: keeps the decoder from leaning on the grammar alone
    "{shuffled}",
    "{shuffled}",
    "{shuffled}",
    # greetings and short answers
    "good {daytime}, {name}, how are you {when}?",
    "good {daytime}, how are you?",
    "hello {name}, how are you {when}?",
    "hello {name}, this is {name} from the {spot}",
    "my name is {name}",
    "I am {feeling} {when}, thank you, {name}",
    "I am very {feeling}, thank you, and how are you?",
    "thank you very much, {name}",
    "yes, of course, {name}",
    "yes, {they} {do} it {when}",
    "no, not {when}",
    "no, not on {day} {daytime}",
    "see you on {day} {daytime}",
    "goodbye {name}, see you {soon}",
    "that is {verdict}, see you on {day}, {name}",
    "sorry, I am {feeling} on {day} {daytime}",
    # meetings
    "when is the {event} with the {job}?",
    "what time is the {event} on {day}?",
    "is the {event} on {day} or on {day}?",
    "the {event} is on {day} at {clock}",
    "the {event} with {name} ends at {clock}",
    "can we meet at the {spot} on {day}?",
    "let us meet at the {spot} at {clock}",
    "I can come to the {spot} on {day} {daytime}",
    "are you free on {day} {daytime}?",
    "my birthday is on {day}, the {ordinal} of {month}",
    "we were in {city} in {month} with my {family}",
    # travel
    "when does the {ride} to {city} leave?",
    "the next {ride} to {city} leaves at {clock}",
    "the {ride} from {city} is {round} minutes late",
    "how far is it from {city} to {city}?",
    "I would like {number} tickets to {city}, please",
    "turn {way} at the {place}, then go to the {spot}",
    "we will stay at the hotel in {city} for {number} days",
    # weather
    "how is the weather in {city} {when}?",
    "it is {weather} and {weather} in {city} {when}",
    "it was very {weather} in {city} on {day}",
    "will it be {weather} in {city} {soon}?",
    # orders and things
    "would you like {food} or {food}?",
    "I would like {food} and {food}, please",
    "how much is the {kind} {thing}?",
    "how many {things} do you {do} {when}?",
    "do you have {things} and {things}?",
    "we have {number} {kind} {things} {when}",
    "my {family} likes the {kind} {thing} in the {place}",
    "{person} {does} {food} with {food} in the {daytime}",
    "please send the {thing} to {name} {soon}",
    "the {thing} is not on the table, it is in the {place}",
    "my {family} is {often} {feeling} on {day}",
    "I think the {thing} is in the {kind} {thing}",
)


def clock(rng: random.Random) -> str:
    """A time of day in words: "nine", "half past nine", "nine thirty"."""
    hour = rng.choice(SLOTS["hour"])
    form = rng.choice(("{}", "half past {}", "{} thirty", "{} fifteen", "ten past {}"))
    return form.format(hour)


#: Slots whose text is made up of several words. Numbers go from one to ninety nine.
COMPOSED: Final[Mapping[str, Composer]] = {
    "number": Cardinals(SLOTS["one"], SLOTS["teen"], SLOTS["ten"], joint=" ", few=0.35, small=0.6),
    "clock": clock,
    "digits": read_out(SLOTS["digit"]),
}
