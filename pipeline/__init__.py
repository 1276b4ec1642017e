"""One live call: pipecat between the candidate's socket and a voice engine. Start reading at `call`."""
