"""What a request's options may not say together, and what no type or bound can say of one."""

import re
from typing import TYPE_CHECKING, Final

from transcription.errors import InvalidInput

if TYPE_CHECKING:
    from transcription.options import Options

MAX_KNOWN_SPEAKERS: Final = 16
TRACK: Final = "audio_track"
REFERENCES: Final = "known_speaker_references"
SEPARATE: Final = "separate"
_LONGEST_NAME = 64  # characters
_TRACK = re.compile(r"[1-9][0-9]{0,3}|mix", re.ASCII)
_OUR_NAMES = re.compile(r"SPEAKER_\d+")  # of the speakers whom nobody knows
_OF_DIARIZATION = ("num_speakers", "min_speakers", "max_speakers", "known_speaker_names")


def check(options: "Options") -> None:
    """Raises InvalidInput, which names the input."""
    _check_track(options)
    _check_speakers(options)
    _check_known_speakers(options)
    _check_channels(options)
    if options.vad_offset > options.vad_onset:
        raise InvalidInput(
            "vad_offset", f"{options.vad_offset} is above vad_onset, which is {options.vad_onset}"
        )
    if options.return_char_alignments and not options.align_output:
        raise InvalidInput("return_char_alignments", "needs align_output")
    if options.multilingual and options.language is not None:
        raise InvalidInput("multilingual", "detects the languages; leave language out")
    if options.multilingual and options.align_model is not None:
        raise InvalidInput("align_model", "speaks one language; leave it out with multilingual")


def _check_track(options: "Options") -> None:
    if options.audio_track is not None and not _TRACK.fullmatch(options.audio_track):
        reason = (
            f"{options.audio_track[:20]!r} is neither the number of a track, from 1 on, nor mix"
        )
        raise InvalidInput(TRACK, reason)


def _check_speakers(options: "Options") -> None:
    low, high, exact = options.min_speakers, options.max_speakers, options.num_speakers
    if low is not None and high is not None and low > high:
        raise InvalidInput("min_speakers", f"{low} is more than max_speakers, which is {high}")
    if exact is not None and low is not None and exact < low:
        raise InvalidInput("num_speakers", f"{exact} is less than min_speakers, which is {low}")
    if exact is not None and high is not None and exact > high:
        raise InvalidInput("num_speakers", f"{exact} is more than max_speakers, which is {high}")


def _check_known_speakers(options: "Options") -> None:
    names, clips = options.known_speaker_names, options.known_speaker_references
    if len(names) != len(clips):
        raise InvalidInput(
            REFERENCES, f"{len(clips)} clips for {len(names)} names in known_speaker_names"
        )
    if names and not options.diarization:
        raise InvalidInput("known_speaker_names", "needs diarization")
    if len(names) > MAX_KNOWN_SPEAKERS:
        raise InvalidInput(
            "known_speaker_names", f"{len(names)} names; at most {MAX_KNOWN_SPEAKERS}"
        )
    for name in names:
        if problem := _problem_of_name(name):
            raise InvalidInput("known_speaker_names", f"{name[:_LONGEST_NAME]!r} {problem}")
    if len(set(names)) < len(names):
        raise InvalidInput("known_speaker_names", "the same name twice")


def _problem_of_name(name: str) -> str | None:
    """Why a speaker cannot have this name, None if one can."""
    if not name.strip() or not name.isprintable():
        return "is no name that can be printed"
    if len(name) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} characters"
    if _OUR_NAMES.fullmatch(name):
        return "is what unknown speakers are called"
    return None


def _check_channels(options: "Options") -> None:
    if options.channels != SEPARATE:
        return
    for name in _OF_DIARIZATION:
        if getattr(options, name):
            raise InvalidInput(name, "needs channels=mix: with separate, each channel is a speaker")
    if options.audio_track == "mix":
        raise InvalidInput(TRACK, "mix has no channels of its own; name one track")
