// @ts-check
/**
 * One interview's connection, as a state machine: start, connect, client-ready, bot-ready, live, reconnecting, ended.
 *
 * Decides when to reconnect, with which ticket and for how long, and keeps typed answers until the server says they are stored.
 * Touches no page element: it speaks through the events `state`, `message`, `audio` and `text`.
 */
import { ApiError, call } from "../api.js";
import { MAX_BACKLOG_BYTES, SUBPROTOCOL, clientMessage, clientReady, decode, newId } from "./codec.js";
import { CLOSES, startProblem } from "./words.js";

/** @typedef {"idle" | "starting" | "connecting" | "live" | "reconnecting" | "stopped" | "ended"} State */
/** @typedef {{state: State, title: string, text: string, button?: string, status?: number}} StateDetail */
/** @typedef {{id: string, text: string, status: "sending" | "waiting" | "stored" | "failed"}} TypedAnswer */

const BACK_OFF_MS = [0, 500, 1000, 2000, 3000, 4000];
const READY_TIMEOUT_MS = 10_000;
/** A connection whose clock has stopped this long is taken for dead, although the browser calls it open. */
const SILENCE_MS = 12_000;
const OFFLINE_SILENCE_MS = 2500;
const GOODBYE_MS = 60_000;
/** After `ended` the server closes the socket; a page that waits for ever would hide the report. */
const CLOSING_MS = 5000;
const SAVED = "What you said so far is saved.";

export class Session extends EventTarget {
  /**
   * @param {string} sessionId
   * @param {{windowSeconds?: number, consent?: string, details?: Record<string, unknown>}} [options] `windowSeconds`: how long the server keeps the
   *   place of a lost candidate
   */
  constructor(sessionId, { windowSeconds = 60, consent = "", details = {} } = {}) {
    super();
    this.id = sessionId;
    this.windowMs = windowSeconds * 1000;
    this.details = details;
    /** Version of what was agreed to before this start; empty where that was told before. */
    this.consent = consent;
    /** @type {State} */
    this.state = "idle";
    /** @type {WebSocket | null} */
    this.socket = null;
    this.path = `/ws/interviews/${encodeURIComponent(sessionId)}`;
    this.lostAt = 0;
    this.tries = 0;
    this.heardAt = 0;
    this.clocks = 0;
    this.dropped = 0;
    this.offline = false;
    /** The server said that the interview is over; the close that follows is not a loss. @type {any} */
    this.over = null;
    /** @type {ReturnType<typeof setTimeout>[]} */
    this.timers = [];
    /** Running while the interviewer says goodbye. @type {ReturnType<typeof setTimeout> | undefined} */
    this.goodbye = undefined;
    /** Typed answers the server has not confirmed; sent again, under the same id, after a reconnect. @type {Map<string, string>} */
    this.outbox = new Map(this.recall("outbox") ?? []);
    addEventListener("offline", () => this.network(false));
    addEventListener("online", () => this.network(true));
    setInterval(() => this.watch(), 1000);
  }

  /** Starts, or after a reload resumes, the interview. */
  async open() {
    this.lostAt = this.state === "reconnecting" ? this.lostAt : 0;
    const ticket = this.ticket();
    if (ticket) return this.connect(ticket);
    await this.start();
  }

  /** Asks the server for a ticket, then connects. */
  async start() {
    if (!this.lostAt) this.become("starting", "Starting…");
    try {
      const { data } = await call("POST", `/api/interviews/${encodeURIComponent(this.id)}/start`, this.consent ? { consent: { version: this.consent } } : {});
      if (this.state === "ended") return;
      if (data.bridgeUrl) this.path = new URL(data.bridgeUrl, location.href).pathname;
      this.connect(data.token);
    } catch (error) {
      this.startFailed(/** @type {ApiError} */ (error));
    }
  }

  /** @param {ApiError} error */
  async startFailed(error) {
    if (error.status === 409 && (await this.isOver())) return;
    const passing = error.status === 0 || error.status === 429 || error.status >= 500;
    if (this.lostAt && passing) return this.again("The server does not answer yet", error.retryAfter * 1000);
    const { title, text } = startProblem(error);
    this.become("stopped", title, text, { button: error.status === 402 ? "Pay and start" : "Try again", status: error.status });
  }

  /** Whether the interview ended while nobody was connected; then says so. */
  async isOver() {
    try {
      const { data } = await call("GET", `/api/interviews/${encodeURIComponent(this.id)}`);
      if (data.phase !== "completed" && data.phase !== "failed") return false;
      this.finish({ reason: data.endReason ?? "", status: data.status });
      return true;
    } catch {
      return false;
    }
  }

  /** @param {string} token */
  connect(token) {
    this.drop();
    if (!this.lostAt) this.become("connecting", "Connecting…");
    // The page and its socket share an origin whatever name the server has for itself.
    const url = new URL(this.path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("token", token);
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.clocks = 0;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.heardAt = performance.now();
      socket.send(clientReady(this.details));
    };
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code }) => this.closed(code, opened);
    this.later(READY_TIMEOUT_MS, () => {
      if (this.socket === socket && this.state !== "live") this.closed(1006, opened);
    });
  }

  /** @param {string | ArrayBuffer} data */
  receive(data) {
    this.heardAt = performance.now();
    if (this.offline) {
      this.offline = false;
      if (this.state === "live") this.become("live", "Connected");
    }
    if (typeof data !== "string") return this.emit("audio", data);
    const message = decode(data);
    if (!message) return;
    if (message.type === "bot-ready") this.ready();
    else if (message.type === "server-response" && message.id) this.confirmed(message.id);
    else if (message.type === "error-response" && message.id && this.outbox.has(message.id)) this.refused(message.id);
    const ours = message.type === "server-message" ? message.data : null;
    if (ours?.type === "resume") this.keepTicket(ours.token, ours.expiresIn);
    else if (ours?.type === "clock") this.clocks++;
    else if (ours?.type === "ended") this.over = ours;
    this.emit("message", message);
    if (this.over) this.later(CLOSING_MS, () => this.finish(this.over));
  }

  ready() {
    const back = this.lostAt > 0;
    this.clearTimers();
    this.lostAt = 0;
    this.tries = 0;
    this.become("live", back ? "Connected again" : "Connected");
    for (const [id, text] of this.outbox) this.post(id, text);
  }

  /** @param {number} code @param {boolean} opened whether the handshake had succeeded */
  closed(code, opened) {
    if (this.state === "ended") return;
    this.drop();
    const meaning = CLOSES[code];
    if (this.over || meaning?.then === "done") return this.finish(this.over ?? { reason: "" });
    if (meaning?.then === "stop") {
      this.forgetTicket();
      return this.become("stopped", meaning.title, meaning.text, { button: meaning.button });
    }
    // A ticket is good once: after a handshake that came through, or two that did not, another one is needed.
    if (meaning?.then === "restart" || (!opened && this.tries >= 2)) this.forgetTicket();
    this.again(meaning?.title ?? "The connection was lost");
  }

  /** Tries again later, until the server would have given the place up. @param {string} title @param {number} [waitMs] */
  again(title, waitMs = 0) {
    this.lostAt ||= performance.now();
    const left = this.windowMs - (performance.now() - this.lostAt);
    if (left <= 0) {
      return this.become("stopped", "The connection could not be restored", `We tried for ${Math.round(this.windowMs / 1000)} seconds. ${SAVED} You can try once more, or come back by the History page.`, { button: "Try again" });
    }
    const wait = Math.min(left, Math.max(waitMs, BACK_OFF_MS[Math.min(this.tries, BACK_OFF_MS.length - 1)] * (0.8 + 0.4 * Math.random())));
    this.tries++;
    this.become("reconnecting", title, `Reconnecting, try ${this.tries}. ${SAVED}`);
    this.clearTimers();
    this.later(wait, () => void this.open());
  }

  /** By the candidate's button after a stop. */
  retry() {
    this.lostAt = 0;
    this.tries = 0;
    void this.open();
  }

  /** @param {boolean} on */
  network(on) {
    if (on && this.state === "reconnecting") {
      this.clearTimers();
      void this.open();
    } else if (!on && this.state === "live") {
      // A server on this machine still answers while the network is away: only silence is proof.
      this.offline = true;
      this.heardAt = performance.now();
      this.become("live", "The network seems to be away", "Checking the connection.");
    }
  }

  watch() {
    if (this.state !== "live") return;
    const silent = performance.now() - this.heardAt;
    if (silent > (this.offline ? OFFLINE_SILENCE_MS : SILENCE_MS) && (this.offline || this.clocks > 1)) {
      this.offline = false;
      this.closed(1006, true);
    }
  }

  /** Microphone audio; what the network cannot take within a second is dropped. @param {ArrayBuffer} pcm */
  sendAudio(pcm) {
    if (this.state !== "live" || !this.socket || this.socket.readyState !== WebSocket.OPEN) return;
    if (this.offline || this.socket.bufferedAmount > MAX_BACKLOG_BYTES) this.dropped++;
    else this.socket.send(pcm);
  }

  /** @param {string} t @param {Record<string, unknown>} [d] @returns {boolean} whether it went out */
  send(t, d) {
    if (this.state !== "live" || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(clientMessage(t, d));
    return true;
  }

  /** A typed answer: kept until stored. @param {string} text */
  sendText(text) {
    const id = newId();
    this.outbox.set(id, text);
    this.remember("outbox", [...this.outbox]);
    this.post(id, text);
    return id;
  }

  /** @param {string} id @param {string} text */
  post(id, text) {
    const online = this.state === "live" && this.socket?.readyState === WebSocket.OPEN;
    if (online) this.socket?.send(clientMessage("text", { text }, id));
    this.emit("text", { id, text, status: online ? "sending" : "waiting" });
  }

  /** @param {string} id */
  confirmed(id) {
    const text = this.outbox.get(id);
    if (text === undefined) return;
    this.outbox.delete(id);
    this.remember("outbox", [...this.outbox]);
    this.emit("text", { id, text, status: "stored" });
  }

  /** @param {string} id */
  refused(id) {
    const text = this.outbox.get(id) ?? "";
    this.outbox.delete(id);
    this.remember("outbox", [...this.outbox]);
    this.emit("text", { id, text, status: "failed" });
  }

  /** Ends the interview: over the socket, so that the interviewer can say goodbye; by HTTP when that fails or at a second request. */
  end() {
    const complete = () => {
      if (this.state === "ended") return;
      clearTimeout(this.goodbye);
      call("POST", `/api/interviews/${encodeURIComponent(this.id)}/complete`, {}).then(
        () => this.finish({ reason: "ended_by_candidate" }),
        () => this.become("stopped", "The interview could not be ended", `The server does not answer. ${SAVED}`, { button: "Reconnect" }),
      );
    };
    if (this.goodbye || !this.send("end")) complete();
    else this.goodbye = setTimeout(complete, GOODBYE_MS);
  }

  /** @param {any} detail `reason`, `reportUrl` */
  finish(detail) {
    if (this.state === "ended") return;
    this.over = detail;
    this.drop();
    this.forgetTicket();
    sessionStorage.removeItem(this.key("outbox"));
    this.become("ended", "The interview is finished");
    this.emit("ended", detail);
  }

  /** Lets go of the socket without waiting for its farewell. */
  drop() {
    this.clearTimers();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState <= WebSocket.OPEN) socket.close();
  }

  /** @param {State} state @param {string} title @param {string} [text] @param {{button?: string, status?: number}} [more] */
  become(state, title, text = "", more = {}) {
    this.state = state;
    this.emit("state", { state, title, text, ...more });
  }

  /** @param {string} type @param {unknown} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {number} ms @param {() => void} act */
  later(ms, act) {
    this.timers.push(setTimeout(act, ms));
  }

  clearTimers() {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
  }

  // The newest resume ticket lives in this tab's storage, so that a reload finds it; it is good once.
  /** @param {string} token @param {number} expiresIn seconds */
  keepTicket(token, expiresIn) {
    this.remember("ticket", { token, until: Date.now() + expiresIn * 1000 });
  }

  ticket() {
    const kept = this.recall("ticket");
    return kept && kept.until > Date.now() ? kept.token : null;
  }

  forgetTicket() {
    sessionStorage.removeItem(this.key("ticket"));
  }

  /** @param {string} what */
  key(what) {
    return `prepkit.${what}.${this.id}`;
  }

  /** @param {string} what @param {unknown} value */
  remember(what, value) {
    sessionStorage.setItem(this.key(what), JSON.stringify(value));
  }

  /** @param {string} what */
  recall(what) {
    try {
      return JSON.parse(sessionStorage.getItem(this.key(what)) ?? "null");
    } catch {
      return null;
    }
  }
}
