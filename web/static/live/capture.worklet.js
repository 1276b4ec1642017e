// @ts-check
/**
 * Microphone to wire: low-pass (63 taps, Hamming) and linear interpolation from the context's rate to 16 kHz, out as 20 ms
 * messages of 640 bytes with their level. The context keeps its own rate because Firefox refuses a microphone at another one.
 */
const TARGET_RATE = 16000;
const TAPS = 63;
const MESSAGE_SAMPLES = 320;

/** @param {number} cutoff as a share of the sample rate */
function lowPass(cutoff) {
  const taps = new Float32Array(TAPS);
  const middle = (TAPS - 1) / 2;
  let sum = 0;
  for (let i = 0; i < TAPS; i++) {
    const x = i - middle;
    const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
    taps[i] = sinc * (0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (TAPS - 1)));
    sum += taps[i];
  }
  return taps.map((tap) => tap / sum);
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / TARGET_RATE;
    this.taps = sampleRate > TARGET_RATE ? lowPass(7400 / sampleRate) : new Float32Array([1]);
    /** Newest input, long enough for the filter and one block. */
    this.line = new Float32Array(TAPS + 1);
    /** Where the next output sample lies, in input samples after `line[taps.length - 1]`. */
    this.at = 0;
    this.out = new Int16Array(MESSAGE_SAMPLES);
    this.filled = 0;
    this.energy = 0;
    this.peak = 0;
    this.running = true;
    this.port.onmessage = ({ data }) => {
      if (data === "stop") this.running = false;
    };
  }

  /** @param {Float32Array} line @param {number} end */
  filtered(line, end) {
    const { taps } = this;
    let sum = 0;
    for (let i = 0, j = end; i < taps.length; i++, j--) sum += taps[i] * line[j];
    return sum;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channels = inputs[0];
    const length = channels.length ? channels[0].length : 128;
    const keep = this.taps.length;
    const line = new Float32Array(keep + length);
    line.set(this.line.subarray(this.line.length - keep));
    for (const channel of channels) for (let i = 0; i < length; i++) line[keep + i] += channel[i] / channels.length;
    while (this.at < length) {
      const whole = Math.floor(this.at);
      const part = this.at - whole;
      const before = this.filtered(line, keep + whole - 1);
      const value = part === 0 ? before : before + part * (this.filtered(line, keep + whole) - before);
      this.write(value);
      this.at += this.step;
    }
    this.at -= length;
    this.line = line.slice(length);
    return this.running;
  }

  /** @param {number} value */
  write(value) {
    const clipped = Math.max(-1, Math.min(1, value));
    this.out[this.filled++] = Math.round(clipped * 32767);
    this.energy += clipped * clipped;
    this.peak = Math.max(this.peak, Math.abs(clipped));
    if (this.filled < MESSAGE_SAMPLES) return;
    const pcm = this.out.buffer;
    this.port.postMessage({ pcm, rms: Math.sqrt(this.energy / MESSAGE_SAMPLES), peak: this.peak }, [pcm]);
    this.out = new Int16Array(MESSAGE_SAMPLES);
    this.filled = 0;
    this.energy = 0;
    this.peak = 0;
  }
}

registerProcessor("prepkit-capture", Capture);
