"""Hearing and speaking on this machine, without a key.

`available` decides which recogniser and which voice a call gets and says so in words; start reading there.

    available       which engines this machine has, and their names for the page
    choose          makes the ones of a call
    sphinx          PocketSphinx as a pipecat STT service; `sphinx_child` keeps its process, `sphinx_worker` is that process,
                    `sphinx_wire` the pipe between them, `sphinx_ears` which audio belongs to which utterance,
                    `sphinx_phrases` and pronunciations.txt what the recogniser is taught beyond its own English
    synthesis       flite and eSpeak NG, the two synthetic voices, with a cache of what was said before
    local_models    Moonshine and Kokoro, when the `local` extra is installed
    detectors       voice activity and end of turn, one model in memory for all calls

This file imports nothing: the recogniser's process passes through it.
"""
