"""A candidate without a browser: one whole interview over the public HTTP API and the audio socket, in real time.

    client      the interview: set up, connect, hear, answer, come back after a lost connection, fetch the report; start reading here
    api         the HTTP calls
    wire        the socket's messages
    hearing     the interviewer's audio clock and the microphone that is always on
    candidate   what is said to which question
    sound       WAV files in, synthetic speech out
    account     who said what and what was heard of it: pairs, word error rate, the JSON of `prepkit rehearse --json`
    progress    the terminal
    house       a throw-away `prepkit serve` to rehearse against

Nothing here reaches into the server: what it does, any client could do. The commands are `web.commands.rehearse` and `web.commands.bench`.
"""
