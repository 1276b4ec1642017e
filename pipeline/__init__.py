"""One live call: pipecat between the candidate's socket and a voice engine. Start reading at `call`."""

import os

# onnxruntime tells its maker of every process that loads it, and of every model, unless this stands there before it is imported; nothing may leave the machine that is not asked for (P6).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# uvloop forks to start a program (a voice, a recogniser), and OpenBLAS ends its threads before that and waits for them with the GIL held: while one computes, now and then for ever, and
# every call with it. What is computed here is small.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
