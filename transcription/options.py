"""Every option of a transcription, with bounds, unit and default, written once.

The Cog schema, the bridge's validation and the documentation's table are generated from the
fields below (see ``transcription.schema``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from transcription import contradictions
from transcription.cues import LINES, Layout
from transcription.errors import InvalidInput
from transcription.language import code_of
from transcription.subtitles import FORMATS

MAX_SPEAKERS = 64  # more people than any diarization model separates; a bound against typing errors
TRACK = contradictions.TRACK
REFERENCES = contradictions.REFERENCES
# Seconds: shorter clips say too little about a voice, longer ones nothing more (OpenAI's bounds).
REFERENCE_SECONDS = (2.0, 10.0)
# Cosine of the angle between two voices from which on they count as one, where neither the request
# nor the operator says another. docs/models.md says where it comes from.
KNOWN_SPEAKER_THRESHOLD = 0.5


def _option(  # noqa: PLR0913 - all but two by keyword, each a property of the option
    default: Any,
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[str] | None = None,
    secret: bool = False,
    files: bool = False,
) -> Any:
    """A dataclass field whose metadata the schema is generated from."""
    metadata = {
        "description": description,
        "ge": ge,
        "le": le,
        "choices": tuple(choices) if choices else None,
        "secret": secret,
        "files": files,
    }
    # A token must not appear when somebody prints the options, and a recording would fill pages.
    return field(default=default, metadata=metadata, repr=not (secret or files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to transcribe one recording. Raises InvalidInput when two options contradict."""

    # What to listen to.
    audio_track: str | None = _option(
        None,
        "Of a file with several audio tracks the one to hear, 1 being the first, or mix for all "
        "at once. The default track when omitted, as players choose.",
    )

    channels: Literal["mix", "separate"] = _option(
        "mix",
        "separate: each channel is one speaker, as in recordings of calls. All of them are heard, "
        "also at once.",
        choices=("mix", "separate"),
    )

    # What to recognize, and with what.
    whisper_model: str | None = _option(
        None, "One of the models this service was started with; the first of them when omitted."
    )
    task: Literal["transcribe", "translate", "detect_language"] = _option(
        "transcribe",
        "transcribe in the spoken language, translate into English, or tell the language and no "
        "more.",
        choices=("transcribe", "translate", "detect_language"),
    )
    language: str | None = _option(
        None,
        "The spoken language: its code, tag or name, as in en, en-US or English. Detected when "
        "omitted, empty or auto.",
    )
    multilingual: bool = _option(
        default=False,
        description="Detect the language of every window of speech; segments then have theirs.",
    )
    language_detection_min_prob: float = _option(
        0.0,
        "When the language is detected: listen to further windows of speech until the most "
        "probable language reaches this probability.",
        ge=0.0,
        le=1.0,
    )
    language_detection_max_tries: int = _option(
        5, "At most this many windows are listened to for the language.", ge=1, le=50
    )

    # What the decoder should expect. Both cost prompt tokens; neither survives the request.
    initial_prompt: str | None = _option(
        None, "Text that sets style and spelling, as if it had been said just before."
    )
    hotwords: str | None = _option(None, "Words to expect, such as names, separated by spaces.")

    # How the decoder works.
    suppress_numerals: bool = _option(
        default=False,
        description="Write numbers, percent and currency signs as words, which can be timed.",
    )
    temperature: float = _option(
        0.0,
        "0 searches for the most probable text; above 0 samples from the model.",
        ge=0.0,
        le=1.0,
    )
    batch_size: int = _option(
        64, "At most this many windows of speech are recognized at once.", ge=1, le=256
    )

    # What counts as speech. Windows are what the recognizer hears at once.
    chunk_size: int = _option(
        30, "Seconds of speech per window; shorter windows give shorter segments.", ge=1, le=30
    )
    vad_method: Literal["pyannote", "silero"] = _option(
        "pyannote",
        "What finds speech: pyannote's segmentation, or Silero's detector, which is smaller.",
        choices=("pyannote", "silero"),
    )
    vad_onset: float = _option(
        0.500, "Speech begins where its probability rises above this.", ge=0.0, le=1.0
    )
    vad_offset: float = _option(
        0.363, "Speech ends where its probability falls below this.", ge=0.0, le=1.0
    )

    # What to add to the words.
    align_output: bool = _option(default=True, description="Time every word by forced alignment.")
    align_model: str | None = _option(
        None,
        "The alignment model: one of those this service offers (ALIGN_MODELS); the language's own "
        "when omitted.",
    )
    return_char_alignments: bool = _option(
        default=False, description="Add the time of every character (`chars`) to the segments."
    )
    logprobs: bool = _option(
        default=False,
        description="Add the log probability of every token that the decoder wrote (`logprobs`).",
    )
    diarization: bool = _option(
        default=True, description="Tell the speakers apart and name one for every word."
    )
    num_speakers: int | None = _option(
        None, "Exact number of speakers, when known.", ge=1, le=MAX_SPEAKERS
    )
    min_speakers: int | None = _option(None, "At least this many speakers.", ge=1, le=MAX_SPEAKERS)
    max_speakers: int | None = _option(None, "At most this many speakers.", ge=1, le=MAX_SPEAKERS)
    known_speaker_names: tuple[str, ...] = _option(
        (),
        "Names of people who may be heard, at most 16, each with a clip in "
        "known_speaker_references. A speaker whose voice is like a clip's gets the clip's name.",
    )
    known_speaker_references: tuple[str, ...] = _option(
        (),
        "A clip of 2 to 10 seconds for each of known_speaker_names, in their order: http(s) URLs "
        "or data URIs.",
        files=True,
    )
    known_speaker_threshold: float | None = _option(
        None,
        "How alike a speaker and a clip must be for the name, as the cosine between the vectors of "
        "their voices: 1 is the same. KNOWN_SPEAKER_THRESHOLD of this service when omitted.",
        ge=0.0,
        le=1.0,
    )
    speaker_embeddings: bool = _option(
        default=True, description="Return a vector of each speaker's voice."
    )
    huggingface_access_token: str | None = _option(
        None,
        "Token for the gated diarization model; only needed where the service was started "
        "without one. Never stored with the result.",
        secret=True,
    )

    # What the output looks like.
    output_format: Literal["json", "srt", "vtt", "tsv", "txt"] = _option(
        "json",
        "Add the transcript as text of this format, as `formatted`; json adds nothing.",
        choices=("json", *FORMATS),
    )
    max_line_width: int | None = _option(
        None,
        "Subtitles have at most this many characters a line; 42 when omitted, 16 in Chinese, "
        "Japanese and Korean.",
        ge=10,
        le=1000,
    )
    max_line_count: int = _option(
        LINES, "Subtitles show at most this many lines at once.", ge=1, le=20
    )
    highlight_words: bool = _option(
        default=False, description="Underline each word of subtitles while it is spoken."
    )
    speaker_labels: bool = _option(
        default=True, description="Name the speakers in subtitles and text formats."
    )
    debug: bool = _option(default=False, description="Write the time of each stage to the logs.")

    def __post_init__(self) -> None:
        contradictions.check(self)

    @property
    def layout(self) -> Layout:
        """How subtitles are to look."""
        return Layout.from_inputs(
            {option.name: getattr(self, option.name) for option in fields(Layout)}
        )

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """The options among a request's inputs; names of recordings are passed over.

        Raises InvalidInput for contradictions. Types and bounds are the schema's business.
        """
        given: dict[str, Any] = {
            name: tuple(inputs[name]) if isinstance(inputs[name], list) else inputs[name]
            for name in NAMES
            if inputs.get(name) is not None
        }
        given["language"] = code_of(given.get("language"))
        return cls(**given)


NAMES: tuple[str, ...] = tuple(option.name for option in fields(Options))
SECRETS: frozenset[str] = frozenset(
    option.name for option in fields(Options) if option.metadata["secret"]
)

# The recording itself. The seed's predictor calls it `audio_file`, its README `audio`: both serve.
AUDIO_NAMES: tuple[str, ...] = ("audio_file", "audio")


def choose_audio(inputs: Mapping[str, Any]) -> tuple[str, Any]:
    """The one recording among a request's inputs, as (name, value).

    Raises InvalidInput when there is none or two.
    """
    given = [(name, inputs[name]) for name in AUDIO_NAMES if inputs.get(name) not in (None, "")]
    if len(given) == 1:
        return given[0]
    if given:
        raise InvalidInput("audio", "is another name for audio_file; send one of them, not both")
    raise InvalidInput(
        "audio_file", "a recording is required: an http(s) URL, a data URI or a file"
    )
