"""Whisper's languages: their codes, and every other way in which people name them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from transcription.errors import InvalidInput
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

# What a request says when it leaves the language to us, beside nothing at all.
# `und` is BCP 47's word for an undetermined language, `mul` for several.
_DETECT = NOTHING | {
    *("", "auto", "automatic", "autodetect", "auto-detect", "auto detect", "detect"),
    *("und", "unknown", "any", "mul", "multi", "multilingual"),
}

# Code -> what else it is called, separated by commas: the codes of ISO 639-2 and 639-3 with those
# of the individual languages that Whisper does not tell apart, withdrawn and national codes, and
# other names, Whisper's own and the speakers' own among them.
_ALSO: Mapping[str, str] = MappingProxyType(
    {
        "en": "eng",
        "zh": "zho, chi, cmn, mandarin, mandarin chinese, simplified chinese, traditional chinese, "
        "中文, 汉语, 漢語, 普通话, 普通話",
        "de": "deu, ger, deutsch",
        "es": "spa, castilian, español, espanol",
        "ru": "rus, русский",
        "ko": "kor, 한국어",
        "fr": "fra, fre, français, francais",
        "ja": "jpn, jp, 日本語",
        "pt": "por, brazilian portuguese, português, portugues",
        "tr": "tur, türkçe",
        "pl": "pol, polski",
        "ca": "cat, valencian, català",
        "nl": "nld, dut, vls, flemish, nederlands",
        "ar": "ara, arb, arz, apc, acm, ary, standard arabic, العربية",
        "sv": "swe, svenska",
        "it": "ita, italiano",
        "id": "ind, in, bahasa indonesia",
        "hi": "hin, हिन्दी, हिंदी",
        "fi": "fin, suomi",
        "vi": "vie, tiếng việt",
        "he": "heb, iw, עברית",
        "uk": "ukr, українська",
        "el": "ell, gre, ελληνικά",
        "ms": "msa, may, zsm, bahasa melayu",
        "cs": "ces, cze, čeština",
        "ro": "ron, rum, mo, mol, moldavian, moldovan, română",
        "da": "dan, dansk",
        "hu": "hun, magyar",
        "ta": "tam, தமிழ்",
        "no": "nor, nb, nob, no-bok, bokmål, bokmal, norwegian bokmål, norwegian bokmal, norsk",
        "th": "tha, ไทย, ภาษาไทย",
        "ur": "urd, اردو",
        "hr": "hrv, scr, hrvatski",
        "bg": "bul, български",
        "lt": "lit, lietuvių",
        "la": "lat",
        "mi": "mri, mao, māori",
        "ml": "mal, മലയാളം",
        "cy": "cym, wel, cymraeg",
        "sk": "slk, slo, slovenčina",
        "te": "tel, తెలుగు",
        "fa": "fas, per, pes, prs, farsi, dari, فارسی",
        "lv": "lav, lvs, latviešu",
        "bn": "ben, bangla, বাংলা",
        "sr": "srp, scc, sh, serbo-croatian, српски, srpski",
        "az": "aze, azj, azeri",
        "sl": "slv, slovene, slovenščina",
        "kn": "kan, ಕನ್ನಡ",
        "et": "est, ekk, eesti",
        "mk": "mkd, mac, македонски",
        "br": "bre",
        "eu": "eus, baq, euskara",
        "is": "isl, ice, íslenska",
        "hy": "hye, arm, հայերեն",
        "ne": "nep, npi, नेपाली",
        "mn": "mon, khk",
        "bs": "bos, bosanski",
        "kk": "kaz, қазақ тілі",
        "sq": "sqi, alb, als, shqip",
        "sw": "swa, swh, kiswahili",
        "gl": "glg, galego",
        "mr": "mar, मराठी",
        "pa": "pan, panjabi, ਪੰਜਾਬੀ",
        "si": "sin, sinhalese",
        "km": "khm, cambodian",
        "sn": "sna",
        "yo": "yor",
        "so": "som",
        "af": "afr",
        "oc": "oci",
        "ka": "kat, geo, ქართული",
        "be": "bel, byelorussian, беларуская",
        "tg": "tgk",
        "sd": "snd",
        "gu": "guj, ગુજરાતી",
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
        "yue": "zh-yue, 粵語, 粤语, 廣東話, 广东话",
    }
)
_SUBTAG = re.compile(r"[a-z0-9]{1,8}")
_LONGEST_SHOWN = 60  # characters of a name that is refused


def code_of(language: str | None) -> str | None:
    """The code for a language's code, tag or name in any case; None where it is to be detected.

    ``en-US``, ``pt_BR`` and ``de_DE.UTF-8`` lose what follows the language. Raises InvalidInput.
    """
    given = (language or "").strip()
    name = unicodedata.normalize("NFC", given).casefold()
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
