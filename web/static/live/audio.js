// @ts-check
/**
 * The page's sound: one audio context, the microphone through the capture worklet, the interviewer through the playback worklet.
 *
 * Decides how the microphone is opened (echo cancellation, noise suppression and gain control on) and what happens when it is
 * unplugged. Events: `pcm` (a 20 ms message), `heard` (interviewer's level), `mic-lost`, `suspended` (true/false).
 */
import { toFloat } from "./codec.js";

const CAPTURE = new URL("./capture.worklet.js", import.meta.url);
const PLAYBACK = new URL("./playback.worklet.js", import.meta.url);

export class Sound extends EventTarget {
  constructor() {
    super();
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.player = null;
    /** @type {GainNode | null} */
    this.volume = null;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {AudioWorkletNode | null} */
    this.recorder = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
    this.loud = true;
    this.muted = false;
    this.playing = false;
  }

  /** Call from a click: browsers start sound only then. */
  async open() {
    if (!this.context) {
      const context = new AudioContext({ latencyHint: "interactive" });
      this.context = context;
      context.onstatechange = () => this.emit("suspended", !this.awake);
      await Promise.all([context.audioWorklet.addModule(CAPTURE), context.audioWorklet.addModule(PLAYBACK)]);
      this.volume = new GainNode(context, { gain: this.loud ? 1 : 0 });
      this.player = new AudioWorkletNode(context, "prepkit-playback", { numberOfInputs: 0, outputChannelCount: [1] });
      this.player.port.onmessage = ({ data }) => {
        if (data.type !== "level") return;
        this.playing = data.playing;
        this.emit("heard", data);
      };
      this.player.connect(this.volume).connect(context.destination);
    }
    await this.wake();
  }

  get awake() {
    return this.context?.state === "running";
  }

  /** Without a click `resume` may never settle, hence the short wait. */
  async wake() {
    if (!this.context || this.awake) return;
    await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 800))]).catch(() => null);
    this.emit("suspended", !this.awake);
  }

  /** Opens the microphone, in place of the one open before. @param {string} [deviceId] @throws {DOMException} */
  async openMicrophone(deviceId) {
    this.closeMicrophone();
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) },
    });
    await this.open();
    const context = /** @type {AudioContext} */ (this.context);
    this.stream = stream;
    const [track] = stream.getAudioTracks();
    track.enabled = !this.muted;
    track.onended = () => {
      this.closeMicrophone();
      this.emit("mic-lost", null);
    };
    this.source = context.createMediaStreamSource(stream);
    this.recorder = new AudioWorkletNode(context, "prepkit-capture", { outputChannelCount: [1] });
    this.recorder.port.onmessage = ({ data }) => this.emit("pcm", data);
    // A node that leads nowhere may never be run; this one's output is silence.
    this.source.connect(this.recorder).connect(context.destination);
    return track;
  }

  closeMicrophone() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.recorder?.port.postMessage("stop");
    this.source?.disconnect();
    this.recorder?.disconnect();
    this.stream = this.source = this.recorder = null;
  }

  /** Muted audio still flows, as silence, so that the server's clock of the call has no holes. @param {boolean} on */
  mute(on) {
    this.muted = on;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /** Whether the interviewer is heard. @param {boolean} on */
  speaker(on) {
    this.loud = on;
    if (this.volume && this.context) this.volume.gain.setTargetAtTime(on ? 1 : 0, this.context.currentTime, 0.01);
  }

  /** @param {number} rate of the audio to come */
  setRate(rate) {
    if (rate >= 8000 && rate <= 48000) this.player?.port.postMessage({ type: "rate", rate });
  }

  /** @param {ArrayBuffer} buffer */
  play(buffer) {
    const samples = toFloat(buffer);
    this.player?.port.postMessage({ type: "audio", samples }, [samples.buffer]);
  }

  flush() {
    this.player?.port.postMessage({ type: "flush" });
  }

  /** Closes everything once what is in the buffer has been heard. */
  async close() {
    this.closeMicrophone();
    for (let i = 0; i < 40 && this.playing; i++) await new Promise((done) => setTimeout(done, 100));
    const { context } = this;
    this.context = this.player = this.volume = null;
    if (context && context.state !== "closed") await context.close();
  }

  /** @param {string} type @param {unknown} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @returns {Promise<MediaDeviceInfo[]>} named only after permission */
export async function microphones() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
}

/** Position on a meter from 0 to 1: speech spreads over most of it, room noise stays at the left. @param {number} rms */
export function meterValue(rms) {
  const decibels = 20 * Math.log10(Math.max(rms, 1e-5));
  return Math.max(0, Math.min(1, (decibels + 60) / 50));
}
