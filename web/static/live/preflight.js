// @ts-check
/**
 * The check before an interview: browser, connection, microphone, level. Each failure says what to do and can be tried again.
 *
 * Decides when Start may go on: only with consent, and by voice only with an open microphone. Nothing is sent to the server but
 * a timed `GET /healthz`.
 */
import { Sound, meterValue, microphones } from "./audio.js";
import { toFloat } from "./codec.js";
import { byId, control, field, fillDevices, on, say } from "./dom.js";
import { browserCanRecognise } from "./recognition.js";
import { browserProblem, microphoneProblem } from "./words.js";

const LEVEL_MS = 3000;
const QUIET_RMS = 0.004;
const DEAD_PEAK = 0.0005;
const CLIPPED_PEAK = 0.985;
const DEVICE = "prepkit.device";

/** `consent` is the version of the words that were agreed to. @typedef {{mode: "voice" | "typed", recogniser: "server" | "browser", readAloud: boolean, consent?: string}} Choices */

export class Preflight {
  /**
   * @param {Sound} sound
   * @param {(choices: Choices) => Promise<void>} onStart
   */
  constructor(sound, onStart) {
    this.sound = sound;
    this.onStart = onStart;
    this.device = localStorage.getItem(DEVICE) ?? "";
    this.problem = browserProblem();
    /** @type {ArrayBuffer[]} */
    this.take = [];
    this.listening = false;
  }

  show() {
    byId("preflight").hidden = false;
    if (browserCanRecognise) byId("recogniser-browser").hidden = false;
    byId("mic-check").addEventListener("click", () => void this.checkMicrophone());
    byId("level-again").addEventListener("click", () => void this.checkLevel());
    byId("level-play").addEventListener("click", () => this.playBack());
    byId("device").addEventListener("change", () => {
      this.device = field("device").value;
      void this.checkMicrophone();
    });
    byId("start").addEventListener("click", () => void this.start("voice"));
    byId("start-typed").addEventListener("click", () => void this.start("typed"));
    byId("consent").addEventListener("change", () => this.needConsent(false));
    on(this.sound, "pcm", (chunk) => this.hear(chunk));
    void this.checkNetwork();
    this.checkBrowser();
  }

  hide() {
    byId("preflight").hidden = true;
    this.listening = false;
    this.take = [];
  }

  /** @param {string} id @param {"waiting" | "good" | "bad"} state @param {string} words @param {string} [help] */
  mark(id, state, words, help = "") {
    const row = byId(`check-${id}`);
    row.dataset.state = state;
    say(/** @type {HTMLElement} */ (row.querySelector("[data-words]")), words);
    const more = /** @type {HTMLElement} */ (row.querySelector("[data-help]"));
    say(more, help);
    more.hidden = !help;
  }

  checkBrowser() {
    if (this.problem) {
      this.mark("browser", "bad", this.problem.title, this.problem.text);
      this.mark("microphone", "waiting", "Not available here");
      this.mark("level", "waiting", "Not available here");
      byId("mic-check").hidden = true;
      control("start").disabled = true;
      return;
    }
    this.mark("browser", "good", "Ready for sound");
    // Where permission was given before, opening the microphone asks nothing.
    navigator.permissions
      ?.query({ name: /** @type {PermissionName} */ ("microphone") })
      .then((permission) => {
        if (permission.state === "granted" && byId("check-microphone").dataset.state === "waiting") void this.checkMicrophone();
      })
      .catch(() => null);
  }

  async checkNetwork() {
    this.mark("network", "waiting", "Checking…");
    const times = [];
    try {
      for (let i = 0; i < 3; i++) {
        const from = performance.now();
        const response = await fetch("/healthz", { cache: "no-store" });
        if (!response.ok) throw new Error(String(response.status));
        times.push(performance.now() - from);
      }
    } catch {
      this.mark("network", "bad", "The server does not answer", "Check that it is running and that you are online. This is tried again every few seconds.");
      setTimeout(() => void this.checkNetwork(), 4000);
      return;
    }
    const best = Math.round(Math.min(...times));
    if (best > 400) this.mark("network", "bad", `Slow, ${best} ms there and back`, "The interviewer will answer late. A cable or a place nearer to the router helps.");
    else this.mark("network", "good", `Good, ${best} ms there and back`);
  }

  /** @returns {Promise<boolean>} whether the microphone is open */
  async openMicrophone() {
    this.mark("microphone", "waiting", "Please answer the browser's question…");
    try {
      let track;
      try {
        track = await this.sound.openMicrophone(this.device);
      } catch (error) {
        if (!this.device || /** @type {Error} */ (error).name !== "OverconstrainedError") throw error;
        this.device = "";
        track = await this.sound.openMicrophone();
      }
      const chosen = track.getSettings().deviceId ?? "";
      if (this.device) localStorage.setItem(DEVICE, this.device);
      fillDevices(byId("device"), await microphones().catch(() => []), chosen);
      byId("device-field").hidden = /** @type {HTMLSelectElement} */ (byId("device")).options.length < 2;
      this.mark("microphone", "good", track.label || "Open");
      byId("mic-check").hidden = true;
      return true;
    } catch (error) {
      const { title, text } = microphoneProblem(error);
      this.mark("microphone", "bad", title, text);
      this.mark("level", "waiting", "Comes with the microphone");
      byId("mic-check").hidden = false;
      say(/** @type {HTMLElement} */ (byId("mic-check").querySelector("span")), "Try again");
      return false;
    }
  }

  async checkMicrophone() {
    if (await this.openMicrophone()) await this.checkLevel();
  }

  async checkLevel() {
    byId("level-field").hidden = false;
    await this.sound.wake();
    // Before the first click on a page the browser keeps sound off.
    if (!this.sound.awake) return this.mark("level", "waiting", "Press Test again, then say a sentence");
    this.mark("level", "waiting", "Say a sentence, for example what you had for breakfast…");
    this.setPlayable(false);
    this.take = [];
    this.energy = 0;
    this.loudest = 0;
    this.best = 0;
    this.listening = true;
    await new Promise((done) => setTimeout(done, LEVEL_MS));
    if (!this.listening) return;
    this.listening = false;
    this.setPlayable(this.take.length > 0);
    if (this.loudest < DEAD_PEAK) this.mark("level", "bad", "Nothing was heard", "The microphone may be muted by a switch on it or in the system. Choose another one, or test again.");
    else if (this.best < QUIET_RMS) this.mark("level", "bad", "Very quiet", "Come closer, or raise the microphone's level in the system settings. You can start anyway.");
    else if (this.loudest > CLIPPED_PEAK) this.mark("level", "bad", "Too loud", "Move back a little, or lower the microphone's level. You can start anyway.");
    else this.mark("level", "good", "We can hear you well");
  }

  /** @param {boolean} on */
  setPlayable(on) {
    for (const id of ["level-again", "level-play"]) control(id).disabled = !on;
  }

  /** @param {{pcm: ArrayBuffer, rms: number, peak: number}} chunk */
  hear({ pcm, rms, peak }) {
    /** @type {HTMLMeterElement} */ (byId("level")).value = meterValue(rms);
    if (!this.listening) return;
    this.take.push(pcm.slice(0));
    this.loudest = Math.max(this.loudest ?? 0, peak);
    // A slow average: a click is not a voice.
    this.energy = (this.energy ?? 0) * 0.9 + rms * 0.1;
    this.best = Math.max(this.best ?? 0, this.energy);
  }

  playBack() {
    this.sound.flush();
    setTimeout(() => this.take.forEach((pcm) => this.sound.play(pcm)), 30);
  }

  /** @param {boolean} on */
  needConsent(on) {
    const box = byId("consent");
    byId("consent-error").hidden = !on;
    if (on) {
      box.setAttribute("aria-invalid", "true");
      box.setAttribute("aria-describedby", "consent-error");
      box.focus();
    } else {
      box.removeAttribute("aria-invalid");
      box.removeAttribute("aria-describedby");
    }
  }

  /** @param {"voice" | "typed"} mode */
  async start(mode) {
    if (!field("consent").checked) return this.needConsent(true);
    this.busy(true);
    say(byId("preflight-status"), "");
    this.listening = false;
    const ready = mode === "typed" || this.sound.stream !== null || (await this.openMicrophone());
    if (!ready) {
      this.busy(false);
      say(byId("preflight-status"), "The microphone is not open yet. Look at the list above, or type instead.");
      byId("check-microphone").scrollIntoView({ block: "center" });
      return;
    }
    if (mode === "typed") this.sound.closeMicrophone();
    const recogniser = /** @type {HTMLInputElement} */ (document.querySelector("input[name=recogniser]:checked")).value;
    await this.onStart({
      mode,
      recogniser: recogniser === "browser" ? "browser" : "server",
      readAloud: mode === "voice" || field("read-aloud").checked,
      consent: byId("interview").dataset.consent,
    });
    this.busy(false);
  }

  /** @param {boolean} on */
  busy(on) {
    for (const id of ["start", "start-typed"]) control(id).disabled = on || (id === "start" && this.problem !== null);
    say(byId("start-text"), on ? "Starting…" : "Start the interview");
  }
}
