"""A language may be named as people, browsers and other systems name it."""

import pytest

from transcription.errors import InvalidInput
from transcription.language import LANGUAGES, code_of
from transcription.options import Options
from transcription.validation import InputSchema

NAMED = {
    # Case, regions, scripts, encodings.
    "EN": "en", "en-US": "en", "en_US": "en", "pt-BR": "pt", "zh-CN": "zh", "zh-Hant-TW": "zh",
    "es-419": "es", "de_DE.UTF-8": "de", "ca_ES@valencia": "ca", "eng_Latn": "en", " fr ": "fr",
    "HAW": "haw", "sr-Latn-RS": "sr", "<|de|>": "de",
    # Names, also as we answer them, and Whisper's aliases.
    "English": "en", "english": "en", "GERMAN": "de", "haitian creole": "ht", "Burmese": "my",
    "castilian": "es", "Flemish": "nl", "pushto": "ps", "Mandarin": "zh", "Cantonese": "yue",
    "Portuguese (Brazil)": "pt", "Farsi": "fa", "Filipino": "tl", "Norwegian Bokmål": "no",
    # Names in the language itself, composed or not.
    "Deutsch": "de", "Français": "fr", "franc\u0327ais": "fr", "ESPAÑOL": "es", "espanol": "es",
    "中文": "zh", "日本語": "ja", "한국어": "ko", "Русский": "ru", "العربية": "ar", "Türkçe": "tr",
    "Tiếng Việt": "vi", "Bahasa Indonesia": "id", "Bahasa Melayu": "ms", "Português (Brasil)": "pt",
    # Codes that were withdrawn, or that stand for a part of a language.
    "iw": "he", "in": "id", "ji": "yi", "jw": "jw", "jv": "jw", "jv-ID": "jw", "mo": "ro",
    "nb": "no", "nb-NO": "no", "nn": "nn", "fil": "tl", "fil-PH": "tl", "zh-yue": "yue",
    "yue-HK": "yue", "iw-IL": "he", "sh": "sr",
    # Three letters, terminological and bibliographic.
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "FRE": "fr", "zho": "zh", "chi": "zh",
    "cmn-Hans-CN": "zh", "heb": "he", "nob": "no", "tgl": "tl", "jav": "jw", "swh": "sw",
    # With a description, as menus and ISO 639 write names.
    "American English": "en", "english language": "en", "Swiss German": "de", "English - UK": "en",
    "Chinese, Simplified": "zh", "Chinese (Traditional, Taiwan)": "zh", "中文（繁體）": "zh",
    "Spanish; Castilian": "es", "Greek, Modern (1453-)": "el", "Serbian (Latin)": "sr",
    "Chinese (Cantonese)": "yue", "Norwegian (Nynorsk)": "nn", "Bokmål, Norwegian": "no",
    # Codes of countries that stand for no other language.
    "cn": "zh", "ua": "uk", "cz": "cs", "gr": "el", "dk": "da", "vn": "vi", "jp": "ja",
    # As a browser's setting, JSON and full-width keyboards write it.
    "en-US,en;q=0.9": "en", "pt-BR, pt": "pt", "nb;q=1": "no", '"en"': "en", '["fr"]': "fr",
    "['English']": "en", "ｄｅ": "de",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), NAMED.items())
def test_a_language_is_known_by_all_its_names(name: str, code: str) -> None:
    assert code_of(name) == code
    assert Options.from_inputs({"language": name}).language == code
    assert InputSchema().problems({"language": name}) == []


@pytest.mark.parametrize(
    "nothing",
    [
        *(None, "", " ", "auto", "Auto", "und", " None", "null", "multi", "mul", "any", "Unknown"),
        *("auto_detect", "Auto-Detect", "detect language", "Default", "zxx", '""'),
    ],
)
def test_without_a_name_the_language_is_detected(nothing: str | None) -> None:
    assert code_of(nothing) is None
    assert Options.from_inputs({"language": nothing}) == Options()


def test_every_language_is_known_by_its_own_code_and_name() -> None:
    for code, name in LANGUAGES.items():
        assert code_of(code) == code_of(name) == code_of(f"{code}-X1") == code


def test_names_of_whisper_and_of_iso_639_2_are_known() -> None:
    library = pytest.importorskip("whisperx.utils")
    for name, code in library.TO_LANGUAGE_CODE.items():
        assert code_of(name) == code, name


@pytest.mark.parametrize(
    "name",
    [
        *("klingon", "xx", "e", "en US", "en--us", "(en)", "no language", "x" * 200),
        *("en,de", "English, German", "German or Dutch", "Kurdish (Sorani)", "kr"),
    ],
)
def test_another_name_is_refused_with_itself_and_where_the_list_is(name: str) -> None:
    (problem,) = InputSchema().problems({"language": name})
    assert problem.field == "language"
    assert repr(name[:60])[:-1] in problem.reason
    assert problem.reason.endswith("; GET /languages and docs/api.md list them")
    with pytest.raises(InvalidInput, match="language"):
        Options.from_inputs({"language": name})
