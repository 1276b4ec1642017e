// @ts-check
/**
 * Hearing both sides: stereo pieces of about a second, played one behind the other. Nothing is ever sent, so nobody can hear the operator.
 */
const RATE = 16_000;
const LEAD_SECONDS = 0.4;

export class Listening extends EventTarget {
  /** @param {string} sessionId */
  constructor(sessionId) {
    super();
    this.path = `/ws/operator/calls/${encodeURIComponent(sessionId)}/listen`;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {AudioContext | null} */
    this.context = null;
    this.at = 0;
    this.heard = 0;
  }

  get on() {
    return this.socket !== null;
  }

  async start() {
    this.context ??= new AudioContext();
    await this.context.resume();
    const url = new URL(this.path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = ({ data }) => this.play(new Int16Array(data));
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      this.socket = null;
      // 1000: the call is over, which the timeline says; anything else is a problem.
      this.dispatchEvent(new CustomEvent("stopped", { detail: code === 1000 ? "" : "The sound stopped: nobody is connected here any more." }));
    };
  }

  stop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    void this.context?.suspend();
  }

  /** @param {Int16Array} frames */
  play(frames) {
    if (!this.context || frames.length < 2) return;
    const buffer = this.context.createBuffer(2, frames.length / 2, RATE);
    for (const channel of [0, 1]) {
      const side = buffer.getChannelData(channel);
      for (let i = 0; i < side.length; i++) side[i] = frames[2 * i + channel] / 32768;
    }
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    if (this.at < this.context.currentTime + 0.05) this.at = this.context.currentTime + LEAD_SECONDS;
    source.start(this.at);
    this.at += buffer.duration;
    this.heard += buffer.duration;
  }
}
