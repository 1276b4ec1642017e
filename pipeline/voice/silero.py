"""Pipecat's Silero model arranged for many windows in one run: the same weights and the same answers, about a quarter of the time.

As published each window is convolved by itself: its four spectra go through products of 4-column matrices, and all weights through the processor's cache once a window.
Here the spectra of all windows lie below each other, so each layer is one product of large matrices, and the recurrent layer takes a call's windows one after the
other within the run. The weights are read from pipecat's file when the model is loaded. Read next: `batch_vad`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser
from onnxruntime import InferenceSession, SessionOptions

STATE_SIZE = 128
"""Numbers in each of the two rows that the model remembers of a call."""
CONTEXT_SAMPLES = 64
"""What the model sees again of the window before."""
WINDOW_SAMPLES = 512

Weights = dict[str, np.ndarray[Any, np.dtype[np.float32]]]

# A window gives four spectra, 256 samples of 64 + 512 with their end mirrored. They are cosines' and sines' shares under a bell, all the same or the opposite back to
# front: the sum and the difference of a sample and its counterpart are half as much to multiply. `x1` to `x4` are the encoder's layers; what a convolution of width three
# sees is laid side by side, also of the silence beyond a window's ends. Windows of one step lie beside each other, so `sequence` is [steps, calls, 128].
GRAPH = """
<ir_version: 8, opset_import: ["": 17]>
silero (float[windows, 576] audio, float[2, calls, 128] state, int32[calls] steps) => (float[windows] confidence, float[2, calls, 128] next_state)
<
    int64[1] last = {1}, int64[1] back = {-1}, int64[1] before_first = {-129},
    int64[1] at_0 = {0}, int64[1] at_1 = {1}, int64[1] at_128 = {128}, int64[1] at_256 = {256}, int64[1] at_384 = {384}, int64[1] at_510 = {510},
    int64[1] at_513 = {513}, int64[1] at_574 = {574}, int64[1] at_640 = {640}, int64[1] at_129 = {129}, int64[1] at_258 = {258}, int64[1] at_387 = {387},
    int64[1] at_516 = {516}, int64[1] at_645 = {645}, int64[1] at_774 = {774},
    int64[2] one_row = {-1, 516}, int64[2] threes = {-1, 387}, int64[2] row_512 = {-1, 512}, int64[2] row_384 = {-1, 384},
    int64[2] row_128 = {-1, 128}, int64[1] flat = {-1},
    int64[4] both_ends = {0, 129, 0, 129}, int64[4] front = {0, 128, 0, 0}, int64[2] one_each = {1, 1}
>
{
    mirrored = Slice (audio, at_574, at_510, last, back)
    padded = Concat <axis = 1> (audio, mirrored)
    first_halves = Slice (padded, at_1, at_513, last)
    second_halves = Slice (padded, at_128, at_640, last)
    rising = Reshape (first_halves, row_128)
    falling = Reshape (second_halves, row_128)
    counterparts = Slice (falling, back, before_first, last, back)
    even = Add (rising, counterparts)
    odd = Sub (rising, counterparts)
    real = MatMul (even, cosines)
    imaginary = MatMul (odd, sines)
    real_power = Mul (real, real)
    imaginary_power = Mul (imaginary, imaginary)
    powers = Add (real_power, imaginary_power)
    magnitudes = Sqrt (powers)
    of_a_window = Reshape (magnitudes, one_row)
    between = Pad (of_a_window, both_ends)
    three_0 = Slice (between, at_0, at_387, last)
    three_1 = Slice (between, at_129, at_516, last)
    three_2 = Slice (between, at_258, at_645, last)
    three_3 = Slice (between, at_387, at_774, last)
    all_threes = Concat <axis = 1> (three_0, three_1, three_2, three_3)
    x0 = Reshape (all_threes, threes)
    y1 = Gemm (x0, weight_1, bias_1)
    x1 = Relu (y1)
    x1_of_a_window = Reshape (x1, row_512)
    x1_between = Pad (x1_of_a_window, front)
    pair_0 = Slice (x1_between, at_0, at_384, last)
    pair_1 = Slice (x1_between, at_256, at_640, last)
    pairs = Concat <axis = 1> (pair_0, pair_1)
    x1_threes = Reshape (pairs, row_384)
    y2 = Gemm (x1_threes, weight_2, bias_2)
    x2 = Relu (y2)
    x2_of_a_window = Reshape (x2, row_128)
    y3 = Gemm (x2_of_a_window, weight_3, bias_3)
    x3 = Relu (y3)
    y4 = Gemm (x3, weight_4, bias_4)
    x4 = Relu (y4)
    calls = Shape <start = 1, end = 2> (state)
    as_sequence = Concat <axis = 0> (back, calls, at_128)
    sequence = Reshape (x4, as_sequence)
    hidden, cell = Split <axis = 0> (state, one_each)
    heard, next_hidden, next_cell = LSTM <hidden_size = 128> (sequence, weight_in, weight_again, bias_5, steps, hidden, cell)
    next_state = Concat <axis = 0> (next_hidden, next_cell)
    x5 = Relu (heard)
    y6 = MatMul (x5, weight_6)
    z6 = Add (y6, bias_6)
    p = Sigmoid (z6)
    confidence = Reshape (p, flat)
}
"""


@cache
def session() -> InferenceSession:
    """The process's one session; it holds no state and may be run from any thread.

    Takes `audio` [steps * calls, 64 + 512], ±1 float, step after step; `state` [2, calls, 128]; `steps` [calls], how many of its windows count. Gives `confidence`
    [steps * calls] and `next_state`. Takes about 0.1 s and reads the disk the first time.
    """
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(_arranged().SerializeToString(), options, providers=["CPUExecutionProvider"])


def _arranged() -> onnx.ModelProto:
    model = parser.parse_model(GRAPH)
    model.graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in _matrices(_weights()).items()
    )
    return model


def _weights() -> Weights:
    """What pipecat's file holds for 16 kHz, by its name there."""
    path = resources.files("pipecat.audio.vad.data") / "silero_vad.onnx"
    [choice] = [node for node in onnx.load_from_string(path.read_bytes()).graph.node if node.op_type == "If"]
    [branch] = [attribute.g for attribute in choice.attribute if attribute.name == "then_branch"]
    constants = ((node.output[0], node.attribute[0].t) for node in branch.node if node.op_type == "Constant")
    return {name.rpartition("__Inline_0__")[2]: numpy_helper.to_array(tensor) for name, tensor in constants}


def _matrices(weights: Weights) -> Weights:
    """The graph's matrices: what a convolution of width three sees lies in a row, oldest first."""

    def row(layer: int, taps: slice = slice(None)) -> Any:
        kernel = weights[f"encoder.{layer}.reparam_conv.weight"][:, :, taps]
        return kernel.transpose(2, 1, 0).reshape(-1, len(kernel))

    def gates(name: str) -> Any:
        # PyTorch's order is in, forget, cell, out; ONNX's in, out, forget, cell.
        enter, forget, cell, out = np.split(weights[f"decoder.rnn.{name}"], 4)
        return np.concatenate((enter, out, forget, cell))[np.newaxis]

    # The first sample counts for nothing, and the one in the middle is its own counterpart.
    bell = weights["stft.forward_basis_buffer"][:, 0].T[1:129].copy()
    bell[-1] /= 2
    return {
        "cosines": bell[:, :129],
        "sines": bell[:, 129:],
        **{f"bias_{layer + 1}": weights[f"encoder.{layer}.reparam_conv.bias"] for layer in range(4)},
        "weight_1": row(0),
        "weight_2": row(1),
        # Two rows and then one are left of a window: beyond them is silence, and its weights fall away.
        "weight_3": row(2, slice(1, 3)),
        "weight_4": row(3, slice(1, 2)),
        "weight_in": gates("weight_ih"),
        "weight_again": gates("weight_hh"),
        "bias_5": np.concatenate((gates("bias_ih"), gates("bias_hh")), axis=1),
        "weight_6": weights["decoder.decoder.2.weight"][0],
        "bias_6": weights["decoder.decoder.2.bias"],
    }
