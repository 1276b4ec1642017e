"""What an RTVI client is told past the pipeline is what pipecat's own models would say (R-041, pipecat.md §1)."""

from pipecat.processors.frameworks.rtvi import models

from pipeline.engines.vapi_speech import partial_words


def test_partials_are_told_in_pipecats_own_words():
    """Both messages hold exactly what the models of the installed pipecat make of them."""
    of_input, of_transcription = partial_words("I would keep a hash")
    for told, made in ((of_input, models.UserInputMessage), (of_transcription, models.UserTranscriptionMessage)):
        assert made.model_validate(told).model_dump(exclude_none=True) == told
