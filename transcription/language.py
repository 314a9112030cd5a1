"""Whisper's languages: their codes, and every other way in which people name them."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from transcription.errors import InvalidInput

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

# What a request says when it leaves the language to us, beside nothing at all.
_DETECT = frozenset({"", "auto", "und"})  # `und` is BCP 47's word for an undetermined language

# Code -> what else it is called, separated by commas: the codes of ISO 639-2 and 639-3 with those
# of the individual languages that Whisper does not tell apart, withdrawn and national codes, and
# other names, Whisper's own among them.
_ALSO: Mapping[str, str] = MappingProxyType(
    {
        "en": "eng",
        "zh": "zho, chi, cmn, mandarin, mandarin chinese, simplified chinese, traditional chinese",
        "de": "deu, ger",
        "es": "spa, castilian",
        "ru": "rus",
        "ko": "kor",
        "fr": "fra, fre",
        "ja": "jpn, jp",
        "pt": "por, brazilian portuguese",
        "tr": "tur",
        "pl": "pol",
        "ca": "cat, valencian",
        "nl": "nld, dut, vls, flemish",
        "ar": "ara, arb, arz, apc, acm, ary, standard arabic",
        "sv": "swe",
        "it": "ita",
        "id": "ind, in",
        "hi": "hin",
        "fi": "fin",
        "vi": "vie",
        "he": "heb, iw",
        "uk": "ukr",
        "el": "ell, gre",
        "ms": "msa, may, zsm",
        "cs": "ces, cze",
        "ro": "ron, rum, mo, mol, moldavian, moldovan",
        "da": "dan",
        "hu": "hun",
        "ta": "tam",
        "no": "nor, nb, nob, no-bok, bokmål, bokmal, norwegian bokmål, norwegian bokmal",
        "th": "tha",
        "ur": "urd",
        "hr": "hrv, scr",
        "bg": "bul",
        "lt": "lit",
        "la": "lat",
        "mi": "mri, mao, māori",
        "ml": "mal",
        "cy": "cym, wel",
        "sk": "slk, slo",
        "te": "tel",
        "fa": "fas, per, pes, prs, farsi, dari",
        "lv": "lav, lvs",
        "bn": "ben, bangla",
        "sr": "srp, scc, sh, serbo-croatian",
        "az": "aze, azj, azeri",
        "sl": "slv, slovene",
        "kn": "kan",
        "et": "est, ekk",
        "mk": "mkd, mac",
        "br": "bre",
        "eu": "eus, baq",
        "is": "isl, ice",
        "hy": "hye, arm",
        "ne": "nep, npi",
        "mn": "mon, khk",
        "bs": "bos",
        "kk": "kaz",
        "sq": "sqi, alb, als",
        "sw": "swa, swh, kiswahili",
        "gl": "glg",
        "mr": "mar",
        "pa": "pan, panjabi",
        "si": "sin, sinhalese",
        "km": "khm, cambodian",
        "sn": "sna",
        "yo": "yor",
        "so": "som",
        "af": "afr",
        "oc": "oci",
        "ka": "kat, geo",
        "be": "bel, byelorussian",
        "tg": "tgk",
        "sd": "snd",
        "gu": "guj",
        "am": "amh",
        "yi": "yid, ydd, ji",
        "lo": "laotian",
        "uz": "uzb, uzn",
        "fo": "fao",
        "ht": "hat, haitian",
        "ps": "pus, pbt, pst, pushto",
        "tk": "tuk",
        "nn": "nno, no-nyn, norwegian nynorsk",
        "mt": "mlt",
        "sa": "san",
        "lb": "ltz, letzeburgesch",
        "my": "mya, bur, burmese",
        "bo": "bod, tib",
        "tl": "tgl, fil, filipino, pilipino",
        "mg": "mlg, plt",
        "as": "asm",
        "tt": "tat",
        "ln": "lin",
        "ha": "hau",
        "ba": "bak",
        "jw": "jav, jv",
        "su": "sun",
        "yue": "zh-yue",
    }
)
_SUBTAG = re.compile(r"[a-z0-9]{1,8}")
_LONGEST_SHOWN = 60  # characters of a name that is refused


def code_of(language: str | None) -> str | None:
    """The code for a language's code, tag or name in any case; None where it is to be detected.

    ``en-US``, ``pt_BR`` and ``de_DE.UTF-8`` lose what follows the language. Raises InvalidInput.
    """
    given = (language or "").strip()
    name = given.casefold()
    name = name.removeprefix("<|").removesuffix("|>")  # as the model itself writes it
    if name in _DETECT:
        return None
    for candidate in _candidates(name):
        if candidate in _CODES:
            return _CODES[candidate]
    shown = given[:_LONGEST_SHOWN] + "…" * (len(given) > _LONGEST_SHOWN)
    raise InvalidInput(
        "language",
        f"{shown!r} is not a language that can be transcribed; GET /languages and docs/api.md "
        "list them",
    )


def _candidates(name: str) -> Iterator[str]:
    """``name``, and what is left of it without region, script, encoding or remark."""
    yield name
    yield name.partition("(")[0].strip()  # "Portuguese (Brazil)"
    subtags = re.split("[-_]", re.split("[.@]", name)[0])
    if all(map(_SUBTAG.fullmatch, subtags)):
        # From the most special to the most general, as RFC 4647 looks a tag up.
        for count in range(len(subtags), 0, -1):
            yield "-".join(subtags[:count])


_CODES: Mapping[str, str] = MappingProxyType(
    {code: code for code in LANGUAGES}
    | {name.casefold(): code for code, name in LANGUAGES.items()}
    | {other: code for code, others in _ALSO.items() for other in others.split(", ")}
)
