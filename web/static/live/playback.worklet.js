// @ts-check
/**
 * Wire to loudspeaker: a jitter buffer that waits for 80 ms, grows to 200 ms when the network underruns, and takes silence out
 * while it holds more than it needs, so that one stall does not delay the rest of the interview. `flush` (barge-in) fades in 5 ms.
 */
const MIN_TARGET = 0.06;
const FIRST_TARGET = 0.08;
const MAX_TARGET = 0.2;
/** Audio that comes back within this long after running dry was late; later it is a new utterance. */
const LATE_SECONDS = 0.3;
const CALM_SECONDS = 30;
const FADE_SECONDS = 0.005;
const MAX_SECONDS = 60;
/** Above the target by this much, silence is taken out; pauses keep their first part, so speech keeps its rhythm. */
const SLACK_SECONDS = 0.04;
const KEPT_PAUSE_SECONDS = 0.08;
const SILENCE = 0.002;
const PHASES = 64;
const WIDTH = 16;

/** One windowed sinc per phase: what is heard between two samples of the wire. */
const KERNELS = Array.from({ length: PHASES }, (_, phase) => {
  const taps = new Float32Array(WIDTH);
  let sum = 0;
  for (let i = 0; i < WIDTH; i++) {
    const x = i - (WIDTH / 2 - 1) - phase / PHASES;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * 0.92 * x) / (Math.PI * 0.92 * x);
    taps[i] = sinc * (0.5 + 0.5 * Math.cos((2 * Math.PI * x) / WIDTH));
    sum += taps[i];
  }
  return taps.map((tap) => tap / sum);
});

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.rate = 16000;
    this.target = FIRST_TARGET;
    this.underruns = 0;
    this.lateInARow = 0;
    this.trimmed = 0;
    this.lastLate = 0;
    this.ranDryAt = -Infinity;
    this.reported = 0;
    this.energy = 0;
    this.measured = 0;
    this.clear();
    this.port.onmessage = ({ data }) => this.take(data);
  }

  clear() {
    /** Unplayed samples at the wire's rate; `head` is the first of them. */
    this.line = new Float32Array(this.rate);
    this.head = 0;
    this.tail = 0;
    this.part = 0;
    this.playing = false;
    this.waitingSince = -1;
    this.quiet = 0;
    /** Output samples of fade left; -1 when not fading. */
    this.fade = -1;
  }

  held() {
    return (this.tail - this.head) / this.rate;
  }

  /** @param {{type: string, samples?: Float32Array, rate?: number}} message */
  take(message) {
    if (message.type === "audio" && message.samples) this.push(message.samples);
    else if (message.type === "rate" && message.rate) {
      this.rate = message.rate;
      this.clear();
    } else if (message.type === "flush") {
      if (this.playing) this.fade = Math.round(FADE_SECONDS * sampleRate);
      else this.clear();
      this.port.postMessage({ type: "flushed", at: currentTime });
    }
  }

  /** @param {Float32Array} samples */
  push(samples) {
    if (this.fade >= 0) this.clear();
    if (currentTime - this.ranDryAt < LATE_SECONDS) this.late();
    this.ranDryAt = -Infinity;
    if (this.waitingSince < 0) this.waitingSince = currentTime;
    const held = this.tail - this.head;
    if (this.tail + samples.length > this.line.length) {
      const past = Math.min(this.head, WIDTH);
      const wanted = past + held + samples.length;
      const line = wanted > this.line.length / 2 ? new Float32Array(Math.max(this.rate, wanted * 2)) : this.line;
      line.set(this.line.subarray(this.head - past, this.tail));
      this.line = line;
      this.head = past;
      this.tail = past + held;
    }
    this.line.set(samples, this.tail);
    this.tail += samples.length;
    const excess = this.tail - this.head - MAX_SECONDS * this.rate;
    if (excess > 0) this.head += excess;
  }

  late() {
    this.underruns++;
    this.lateInARow++;
    this.lastLate = currentTime;
    if (this.lateInARow >= 2) this.target = Math.min(MAX_TARGET, this.target + 0.03);
  }

  /** Takes 10 ms of silence out when there is more than enough. */
  trim() {
    const chunk = Math.round(this.rate / 100);
    if (this.held() < this.target + SLACK_SECONDS) return;
    for (let i = this.head; i < this.head + chunk; i++) if (Math.abs(this.line[i]) > SILENCE) return;
    if (this.quiet < KEPT_PAUSE_SECONDS * sampleRate) return;
    this.head += chunk;
    this.trimmed += chunk / this.rate;
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (!this.playing && this.waitingSince >= 0 && (this.held() >= this.target || currentTime - this.waitingSince > this.target)) {
      this.playing = true;
    }
    let energy = 0;
    if (this.playing) {
      this.trim();
      energy = this.play(out);
    }
    for (let channel = 1; channel < outputs[0].length; channel++) outputs[0][channel].set(out);
    if (currentTime - this.lastLate > CALM_SECONDS) {
      this.lastLate = currentTime;
      this.lateInARow = 0;
      this.target = Math.max(MIN_TARGET, this.target - 0.02);
    }
    this.report(energy, out.length);
    return true;
  }

  /** @param {Float32Array} out */
  play(out) {
    const step = this.rate / sampleRate;
    let energy = 0;
    for (let i = 0; i < out.length; i++) {
      if (this.head + WIDTH / 2 >= this.tail) {
        this.playing = false;
        this.waitingSince = -1;
        this.ranDryAt = this.fade >= 0 ? -Infinity : currentTime;
        if (this.fade >= 0) this.clear();
        break;
      }
      const kernel = KERNELS[Math.floor(this.part * PHASES)];
      const from = this.head - (WIDTH / 2 - 1);
      let value = 0;
      for (let k = 0; k < WIDTH; k++) if (from + k >= 0) value += kernel[k] * this.line[from + k];
      if (this.fade >= 0) {
        value *= this.fade / (FADE_SECONDS * sampleRate);
        if (this.fade-- === 0) {
          this.clear();
          break;
        }
      }
      out[i] = value;
      energy += value * value;
      this.quiet = Math.abs(value) > SILENCE ? 0 : this.quiet + 1;
      this.part += step;
      const whole = Math.floor(this.part);
      this.head += whole;
      this.part -= whole;
    }
    return energy;
  }

  /** @param {number} energy @param {number} length */
  report(energy, length) {
    this.energy += energy;
    this.measured += length;
    if (currentTime - this.reported < 0.05) return;
    this.reported = currentTime;
    const { playing, target, underruns, trimmed } = this;
    const rms = Math.sqrt(this.energy / this.measured);
    this.energy = 0;
    this.measured = 0;
    this.port.postMessage({ type: "level", rms, playing, held: this.held(), target, underruns, trimmed });
  }
}

registerProcessor("prepkit-playback", Playback);
