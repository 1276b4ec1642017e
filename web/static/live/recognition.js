// @ts-check
/**
 * The browser's own speech recognition as an alternative to the server's. It pauses while the interviewer speaks, because it
 * listens to the room and has no part in the page's echo cancellation.
 */

const Recogniser = /** @type {any} */ (window).SpeechRecognition ?? /** @type {any} */ (window).webkitSpeechRecognition;
export const browserCanRecognise = Boolean(Recogniser);

export class BrowserRecognition {
  /**
   * @param {string} language
   * @param {(text: string, final: boolean) => void} onText
   * @param {(reason: string) => void} onTrouble it will not go on by itself
   */
  constructor(language, onText, onTrouble) {
    this.onText = onText;
    this.onTrouble = onTrouble;
    this.wanted = false;
    this.paused = false;
    this.running = false;
    this.recogniser = new Recogniser();
    this.recogniser.lang = language;
    this.recogniser.continuous = true;
    this.recogniser.interimResults = true;
    this.recogniser.onresult = (/** @type {any} */ event) => this.result(event);
    this.recogniser.onerror = (/** @type {any} */ event) => this.trouble(event.error);
    // Browsers stop listening after a while of silence.
    this.recogniser.onend = () => {
      this.running = false;
      setTimeout(() => this.run(), 200);
    };
  }

  start() {
    this.wanted = true;
    this.run();
  }

  stop() {
    this.wanted = false;
    if (this.running) this.recogniser.stop();
  }

  /** @param {boolean} on */
  pause(on) {
    this.paused = on;
    if (on && this.running) this.recogniser.stop();
    else if (!on) this.run();
  }

  run() {
    if (!this.wanted || this.paused || this.running) return;
    this.running = true;
    try {
      this.recogniser.start();
    } catch {
      this.running = false;
    }
  }

  /** @param {any} event */
  result(event) {
    for (let i = event.resultIndex; i < event.results.length; i++) {
      const { isFinal } = event.results[i];
      const text = event.results[i][0].transcript.trim();
      // A final text that comes during a pause was spoken before it.
      if (text && (isFinal || !this.paused)) this.onText(text, isFinal);
    }
  }

  /** @param {string} code */
  trouble(code) {
    if (code === "no-speech" || code === "aborted") return;
    this.wanted = false;
    this.onTrouble(code);
  }
}
