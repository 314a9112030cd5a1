"""What a caller should know of a result: codes that never change, each with a sentence.

In ``warnings`` they stand as one text, ``code: sentence``. Programs compare what precedes the
colon, people read the rest.
"""

SENTENCES = {
    "no_speech": "No speech was found in the recording.",
    "no_speakers": "Speakers could not be told apart: no turns of speech were found.",
    "doubtful_text": "Some of the text may not have been said ({count} stretches, the first at "
    "{start:.1f} s): the recognizer doubts it, though both speech detectors hear speech there.",
    "not_aligned": "Words are not timed: a translation cannot be aligned with the recording.",
    "no_aligner": "Words are not timed: no alignment model for {language!r} is loaded here.",
    "timed_by_whisper": "Words are timed by Whisper itself: no alignment model for {language!r} is "
    "loaded here.",
    "aligner_stands_in": "Words are timed by {model}: {wanted} {why}.",
    "diarizer_stands_in": "Speakers are told apart by {model}: {wanted} {why}.",
    "speaker_not_heard": "Nobody in the recording was recognized as {name}.",
    "language_assumed": "{reason}: {assumed}.",
    "cut_short": "The file says {whole:.1f} s, {reached:.1f} s could be read: its end is missing.",
    "several_recordings": "The file holds {count} recordings one after the other; all were heard.",
    "several_tracks": "The file has {count} audio tracks; number {number} was heard. The input "
    "audio_track chooses another one, or mix.",
    "silence_added": "{seconds:.1f} s of silence stand where the file's time stamps leave a gap.",
    "clock_jumped": "The file's time stamps jump ({count} times); there the sound was put together "
    "without a gap.",
    "damaged": "{count} damaged pieces of the file could not be decoded.",
    "channels_cancelled": "The channels cancel each other; for {seconds:.1f} s the loudest of them "
    "was heard alone.",
    "one_channel": "All channels hold the same sound, which was heard as one speaker's.",
    "channels_unnamed": "The file does not say what its {count} channels are; they were averaged.",
}


def notice(code: str, **values: object) -> str:
    """The warning ``code``, with ``values`` in its sentence."""
    return f"{code}: {SENTENCES[code].format(**values)}"
