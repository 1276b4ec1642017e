// @ts-check
/**
 * The interview as text: what is said, and the box for typed answers.
 *
 * Finished lines come only from the server's `turn` messages, which are sent after the words are stored; text that may still change is
 * shown beside the live region, so that a screen reader hears each line once. A typed answer is shown until the server has stored it.
 */
import { byId, make, on, say } from "./dom.js";

const NAMES = /** @type {Record<string, string>} */ ({ interviewer: "Interviewer", candidate: "You" });

export class Captions {
  constructor() {
    this.log = byId("captions");
    this.interim = /** @type {Record<string, HTMLElement>} */ ({ interviewer: byId("interim-interviewer"), candidate: byId("interim-candidate") });
    /** @type {Map<string, HTMLElement>} */
    this.lines = new Map();
    /** Settled words of the turn that is going on. @type {Record<string, string>} */
    this.pieces = { interviewer: "", candidate: "" };
  }

  /** Lines said before this page was opened; call while the captions are hidden, so that they are not read out. @param {any[]} turns */
  restore(turns) {
    for (const turn of turns) if (turn.final) this.turn(turn);
  }

  /** @param {{turnId: string, speaker: string, text: string, final: boolean}} turn */
  turn({ turnId, speaker, text, final }) {
    const who = speaker === "interviewer" ? "interviewer" : "candidate";
    const known = this.lines.get(turnId);
    if (!final && !known) {
      this.pieces[who] = text;
      return this.show(who, text);
    }
    this.pieces[who] = "";
    this.show(who, "");
    if (known) known.textContent = text;
    else this.add(turnId, who, text);
  }

  /** @param {string} turnId @param {string} who @param {string} text */
  add(turnId, who, text) {
    const line = make("p", "", "line");
    line.dataset.speaker = who;
    const words = make("span", text);
    line.append(make("strong", `${NAMES[who]}: `, "line-name"), words);
    const follow = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    this.log.append(line);
    this.lines.set(turnId, words);
    byId("captions-empty").hidden = true;
    if (follow) this.log.scrollTop = this.log.scrollHeight;
  }

  /**
   * Words that may still change, or that the server has not stored yet.
   * @param {string} who @param {string} text
   * @param {boolean} [settled] the words are kept, for a speaker whose open turn the server does not send
   */
  hear(who, text, settled = false) {
    const before = this.pieces[who];
    const all = before.endsWith(text) ? before : `${before} ${text}`.trim();
    if (settled) this.pieces[who] = all;
    this.show(who, all);
  }

  /** @param {string} who */
  clear(who) {
    this.pieces[who] = "";
    this.show(who, "");
  }

  /** @param {string} who @param {string} text */
  show(who, text) {
    const line = this.interim[who];
    line.hidden = !text;
    line.textContent = text ? `${NAMES[who]}: ${text} …` : "";
    if (text) byId("captions-empty").hidden = true;
  }
}

const SENDING = { sending: "Sending…", waiting: "Waits for the connection, then it is sent", stored: "Stored.", failed: "Not accepted. Please send it again." };

export class TypedAnswers {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.box = /** @type {HTMLTextAreaElement} */ (byId("typed-text"));
    this.list = byId("pending");
    /** @type {Map<string, HTMLElement>} */
    this.pending = new Map();
    this.draftKey = `prepkit.typed.${session.id}`;
    this.box.value = sessionStorage.getItem(this.draftKey) ?? "";
    this.box.addEventListener("input", () => sessionStorage.setItem(this.draftKey, this.box.value));
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    byId("typed").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    on(session, "text", (answer) => this.show(answer));
  }

  submit() {
    const text = this.box.value.trim();
    if (!text) return;
    this.box.value = "";
    sessionStorage.removeItem(this.draftKey);
    this.session.sendText(text);
    this.box.focus();
  }

  /** @param {import("./session.js").TypedAnswer} answer */
  show({ id, text, status }) {
    let line = this.pending.get(id);
    if (status === "stored") {
      line?.remove();
      this.pending.delete(id);
    } else {
      if (!line) {
        line = document.createElement("li");
        line.append(make("span", text, "pending-text"), make("span", "", "muted"));
        this.pending.set(id, line);
        this.list.append(line);
      }
      /** @type {HTMLElement} */ (line.lastElementChild).textContent = SENDING[status];
      line.dataset.status = status;
    }
    if (status === "failed" && !this.box.value) this.box.value = text;
    this.list.hidden = this.pending.size === 0;
    say(byId("typed-status"), SENDING[status]);
  }
}
