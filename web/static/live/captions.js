// @ts-check
/**
 * What is said, as text. Finished lines come only from the server's `turn` messages, which are sent after the words are stored;
 * text that may still change is shown beside the live region, so that a screen reader hears each line once.
 */
import { byId, make } from "./dom.js";

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
