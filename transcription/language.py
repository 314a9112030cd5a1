"""Whisper's languages: their codes, and every other way in which people name them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from transcription.errors import InvalidInput
from transcription.language_names import ALSO
from transcription.reading import NOTHING

# Code -> English name, in the order of Whisper's own language tokens (large-v3: with Cantonese).
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "zh": "Chinese",
        "de": "German",
        "es": "Spanish",
        "ru": "Russian",
        "ko": "Korean",
        "fr": "French",
        "ja": "Japanese",
        "pt": "Portuguese",
        "tr": "Turkish",
        "pl": "Polish",
        "ca": "Catalan",
        "nl": "Dutch",
        "ar": "Arabic",
        "sv": "Swedish",
        "it": "Italian",
        "id": "Indonesian",
        "hi": "Hindi",
        "fi": "Finnish",
        "vi": "Vietnamese",
        "he": "Hebrew",
        "uk": "Ukrainian",
        "el": "Greek",
        "ms": "Malay",
        "cs": "Czech",
        "ro": "Romanian",
        "da": "Danish",
        "hu": "Hungarian",
        "ta": "Tamil",
        "no": "Norwegian",
        "th": "Thai",
        "ur": "Urdu",
        "hr": "Croatian",
        "bg": "Bulgarian",
        "lt": "Lithuanian",
        "la": "Latin",
        "mi": "Maori",
        "ml": "Malayalam",
        "cy": "Welsh",
        "sk": "Slovak",
        "te": "Telugu",
        "fa": "Persian",
        "lv": "Latvian",
        "bn": "Bengali",
        "sr": "Serbian",
        "az": "Azerbaijani",
        "sl": "Slovenian",
        "kn": "Kannada",
        "et": "Estonian",
        "mk": "Macedonian",
        "br": "Breton",
        "eu": "Basque",
        "is": "Icelandic",
        "hy": "Armenian",
        "ne": "Nepali",
        "mn": "Mongolian",
        "bs": "Bosnian",
        "kk": "Kazakh",
        "sq": "Albanian",
        "sw": "Swahili",
        "gl": "Galician",
        "mr": "Marathi",
        "pa": "Punjabi",
        "si": "Sinhala",
        "km": "Khmer",
        "sn": "Shona",
        "yo": "Yoruba",
        "so": "Somali",
        "af": "Afrikaans",
        "oc": "Occitan",
        "ka": "Georgian",
        "be": "Belarusian",
        "tg": "Tajik",
        "sd": "Sindhi",
        "gu": "Gujarati",
        "am": "Amharic",
        "yi": "Yiddish",
        "lo": "Lao",
        "uz": "Uzbek",
        "fo": "Faroese",
        "ht": "Haitian Creole",
        "ps": "Pashto",
        "tk": "Turkmen",
        "nn": "Nynorsk",
        "mt": "Maltese",
        "sa": "Sanskrit",
        "lb": "Luxembourgish",
        "my": "Myanmar",
        "bo": "Tibetan",
        "tl": "Tagalog",
        "mg": "Malagasy",
        "as": "Assamese",
        "tt": "Tatar",
        "haw": "Hawaiian",
        "ln": "Lingala",
        "ha": "Hausa",
        "ba": "Bashkir",
        "jw": "Javanese",
        "su": "Sundanese",
        "yue": "Cantonese",
    }
)

# Languages written without spaces between words: every character counts as a word.
WITHOUT_SPACES = frozenset({"ja", "yue", "zh"})

# Languages with spaces between phrases or sentences, and none between words.
SPACES_BETWEEN_PHRASES = frozenset({"bo", "km", "lo", "my", "th"})

# What a request says when it leaves the language to us, beside nothing at all; without what stands
# between the words. `und` is BCP 47's word for an undetermined language, `mul` for several, `mis`
# for one without a code, `zxx` for none.
_DETECT = NOTHING | {
    *("", "auto", "automatic", "autodetect", "automaticdetection", "autodetectlanguage"),
    *("detect", "detectlanguage", "detected", "languagedetection", "default"),
    *("und", "unknown", "undetermined", "any", "mul", "multi", "multilingual", "mis", "zxx"),
}

_SUBTAG = re.compile(r"[a-z0-9]{1,8}")
_AROUND = " \t\r\n\"'[]"  # of a text as JSON or Python writes it, also of a list's only item
# Two names at once are refused, unless the second is one of the first: "Chinese (Cantonese)".
_PART_OF = {"yue": "zh", "nn": "no"}
_LEAST_OF_A_NAME = 4  # letters; shorter words are codes, and words like "in"
_LONGEST_NAME = 60  # characters
_READ = 1000  # characters; strangers write more


def code_of(language: str | None) -> str | None:
    """The code for a language's code, tag or name in any case; None where it is to be detected.

    ``en-US``, ``pt_BR`` and ``de_DE.UTF-8`` lose what follows the language, ``Swiss German`` and
    ``Chinese, Simplified`` what describes it. Raises InvalidInput.
    """
    given = (language or "").strip()
    name = _normal(given[:_READ]).strip(_AROUND)
    name = name.removeprefix("<|").removesuffix("|>")  # as the model itself writes it
    if re.sub(r"[\W_]", "", name) in _DETECT:
        return None
    for candidate in _candidates(name):
        if candidate in _CODES:
            return _CODES[candidate]
    if (code := _described(name)) is not None:
        return code
    shown = given[:_LONGEST_NAME] + "…" * (len(given) > _LONGEST_NAME)
    raise InvalidInput(
        "language",
        f"{shown!r} is not a language that can be transcribed; GET /languages and docs/api.md "
        "list them",
    )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _candidates(name: str) -> Iterator[str]:
    """``name``, and what is left of a tag without region, script, encoding or quality."""
    yield name
    subtags = re.split("[-_]", re.split("[.@;]", name)[0].strip())
    if all(map(_SUBTAG.fullmatch, subtags)):
        # From the most special to the most general, as RFC 4647 looks a tag up.
        for count in range(len(subtags), 0, -1):
            yield "-".join(subtags[:count])


def _described(name: str) -> str | None:
    """The one language that a longer text names; what stands in brackets may say which part."""
    if len(name) > _LONGEST_NAME:
        return None
    outside, _, inside = name.partition("(")
    codes = _named(outside)
    codes |= {code for code in _named(inside) if _PART_OF.get(code) in codes}
    codes -= {_PART_OF[code] for code in codes if code in _PART_OF}
    return codes.pop() if len(codes) == 1 else None


def _named(text: str) -> set[str]:
    """Every language that one of the words names, or an item of a browser's list of tags."""
    words = re.split(r"[\W_]+", text)
    found = [word for word in words if len(word) >= _LEAST_OF_A_NAME or not word.isascii()]
    if "," in text:
        found += [tag for item in text.split(",") for tag in _candidates(item.strip())]
    return {_CODES[each] for each in found if each in _CODES}


_CODES: Mapping[str, str] = MappingProxyType(
    {code: code for code in LANGUAGES}
    | {name.casefold(): code for code, name in LANGUAGES.items()}
    | {_normal(other): code for code, others in ALSO.items() for other in others.split(", ")}
)
