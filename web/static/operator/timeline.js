// @ts-check
/**
 * Events of a call as lines of a list. A turn that grows stays one line; words that may still change are shown under it until they are
 * recorded. Texts come from candidates and models: they are set as text, never as markup.
 */
import { ENGINES, build, clock, inSeconds, inWords } from "./build.js";

const LINES = 2000;
const ACTS = /** @type {Record<string, string>} */ ({
  listen: "An operator began to listen", "listen-end": "The operator stopped listening", whisper: "An operator whispered to the interviewer",
  say: "An operator had the interviewer say", extend: "An operator added minutes", end: "An operator ended the interview",
});
const MOVES = /** @type {Record<string, string>} */ ({
  opening: "The first question has the floor", answered: "On to the next question: this one was answered", skipped: "On to the next question: this one was skipped",
  time: "On to the next question: its time was used up",
});
const TOOLS = /** @type {Record<string, string>} */ ({ getFollowUpQuestion: "Is there a follow-up?", moveToNextQuestion: "On to the next question?" });
const SOURCES = /** @type {Record<string, string>} */ ({ memory: "judged ahead of need", model: "by the model", prepared: "with what was prepared" });
const WRITERS = /** @type {Record<string, string>} */ ({ memory: "written by the model ahead of need", model: "written by the model", prepared: "prepared" });
const BAD_NOTES = new Set(["upstream_lost", "recording_stopped", "engine_changed", "reconnecting"]);
const GOOD_LEG_ENDS = new Set(["finished", "time", "ended_by_candidate", "ended_by_operator", "replaced", "drained"]);

export class Timeline {
  /** @param {HTMLElement} list @param {HTMLElement} toEnd */
  constructor(list, toEnd) {
    this.list = list;
    this.toEnd = toEnd;
    this.following = true;
    /** @type {Map<string, HTMLElement>} */
    this.turns = new Map();
    /** @type {Map<number, HTMLElement>} */
    this.webhooks = new Map();
    list.addEventListener("scroll", () => this.follow(list.scrollHeight - list.scrollTop - list.clientHeight < 40));
    toEnd.addEventListener("click", () => {
      this.follow(true);
      list.focus();
    });
  }

  /** @param {boolean} on */
  follow(on) {
    this.following = on;
    this.toEnd.hidden = on;
    if (on) this.list.scrollTop = this.list.scrollHeight;
  }

  clear() {
    this.list.replaceChildren();
    this.turns.clear();
    this.webhooks.clear();
  }

  /** @param {any} item */
  take(item) {
    if (item.seq !== null) this.list.dataset.lastSeq = String(item.seq);
    const partial = this.list.querySelector('[data-kind="partial"]');
    if (item.kind === "partial" || item.kind === "turn-recorded") partial?.remove();
    const line = item.kind === "turn-recorded" ? this.turn(item) : this.line(item);
    if (!line) return;
    if (!line.isConnected) this.place(line, item);
    while (this.list.childElementCount > LINES) this.list.firstElementChild?.remove();
    if (this.following) this.list.scrollTop = this.list.scrollHeight;
  }

  /** Webhooks have no place in the log: they go where their time is. @param {HTMLElement} line @param {any} item */
  place(line, item) {
    line.dataset.at = String(item.atMs);
    let before = item.kind === "webhook" ? this.list.lastElementChild : null;
    while (before && Number(/** @type {HTMLElement} */ (before).dataset.at) > item.atMs) before = before.previousElementSibling;
    if (item.kind !== "webhook") this.list.append(line);
    else if (before) before.after(line);
    else this.list.prepend(line);
  }

  /** @param {any} item */
  turn(item) {
    const { turnId, turn_id: id = turnId, speaker, text, final, interrupted, source } = item.data;
    const line = this.turns.get(id) ?? this.make(item, build("p", {}, build("span", { class: "who" }, speaker === "candidate" ? "Candidate" : "Interviewer"), " ", build("span", { class: "what js-how" })), build("div", { class: "words" }));
    this.turns.set(id, line);
    line.dataset.seq = String(item.seq);
    line.dataset.speaker = speaker;
    line.toggleAttribute("data-open", !final);
    const how = [source === "typed" ? "typed" : "", final ? "" : "still speaking", interrupted ? "interrupted" : ""].filter(Boolean).join(", ");
    /** @type {HTMLElement} */ (line.querySelector(".js-how")).textContent = how;
    /** @type {HTMLElement} */ (line.querySelector(".words")).textContent = text;
    return line;
  }

  /** @param {any} item */
  line(item) {
    const data = item.data;
    switch (item.kind) {
      case "leg-started":
        return this.said(item, `The candidate connected${data.leg > 1 ? ` again (connection ${data.leg})` : ""}. Voice: ${ENGINES[data.engine] ?? data.engine}`);
      case "leg-ended":
        return this.said(item, `The candidate's connection ended: ${inWords(data.reason)}`, !GOOD_LEG_ENDS.has(data.reason));
      case "engine-changed":
        return this.said(item, `Hand-over from ${ENGINES[data.from_engine] ?? data.from_engine} to ${ENGINES[data.to_engine] ?? data.to_engine}: ${inWords(data.reason)}`, true);
      case "cursor-moved":
        return this.said(item, data.to_id ? (MOVES[data.reason] ?? `On to the next question: ${inWords(data.reason)}`) : "The questions are over");
      case "question-asked":
        return this.make(item, build("p", { class: "what" }, data.follow_up ? `Follow-up ${data.follow_up} to question ${data.n}, ${WRITERS[data.source] ?? data.source}` : `Question ${data.n} of ${data.of}`), build("div", { class: "words" }, data.text));
      case "tool-answered":
        return this.make(
          item,
          build("p", { class: "what" }, `${TOOLS[data.tool] ?? data.tool} Answered ${SOURCES[data.source] ?? data.source}, in ${data.took_ms} ms`),
          build("details", {}, build("summary", {}, "Arguments and answer"), build("pre", {}, JSON.stringify({ tool: data.tool, id: data.tool_call_id, arguments: data.arguments, result: data.result }, null, 1))),
        );
      case "noted":
        return this.said(item, `${inWords(data.code[0].toUpperCase() + data.code.slice(1))}${data.detail && data.code !== "typed" ? `: ${data.detail}` : ""}`, BAD_NOTES.has(data.code));
      case "hint-given":
        return this.make(item, build("p", { class: "what" }, `Hint ${data.n} of ${data.of}`), build("div", { class: "words" }, data.text));
      case "operator-acted":
        return this.make(item, build("p", { class: "what" }, `${ACTS[data.action] ?? data.action}${data.minutes ? `: ${data.minutes}` : ""}${data.told ? "" : " (the candidate sees it in the list, not at once)"}`), ...(data.text ? [build("div", { class: "words" }, data.text)] : []));
      case "interview-ended":
        return this.said(item, `The interview ended: ${inWords(data.reason)}`);
      case "webhook":
        return this.webhook(item);
      case "partial":
        return this.make(item, build("p", { class: "what" }, data.speaker === "candidate" ? "Candidate, being heard" : "Interviewer"), build("div", { class: "words" }, data.text));
      case "missed":
        return this.said(item, `This page was too slow for ${data.count} passing items (levels, half-heard words); no event is missing.`);
      default:
        return null;
    }
  }

  /** One line for each, which says what became of it. @param {any} item */
  webhook(item) {
    const { id, type, provider, state } = item.data;
    const fresh = this.said(item, `Webhook ${type} from ${provider}: ${state}`, state === "failed");
    const line = this.webhooks.get(id);
    if (line) {
      line.replaceChildren(...fresh.childNodes);
      line.toggleAttribute("data-bad", state === "failed");
    }
    this.webhooks.set(id, line ?? fresh);
    return line ?? fresh;
  }

  /** @param {any} item @param {string} text @param {boolean} [bad] */
  said(item, text, bad = false) {
    const line = this.make(item, build("p", { class: "what" }, text));
    line.toggleAttribute("data-bad", bad);
    return line;
  }

  /** @param {any} item @param {...Node} content */
  make(item, ...content) {
    const attributes = /** @type {Record<string, string>} */ ({ "data-kind": item.kind });
    if (item.seq !== null) attributes["data-seq"] = String(item.seq);
    return build("li", attributes, build("time", {}, clock(item.atMs)), build("div", {}, ...content));
  }
}

/** What the events say about now: engine, question, response times, tool calls. */
export class Facts {
  constructor() {
    this.engine = "";
    this.state = "";
    this.question = "";
    this.atMs = 0;
    this.extra = 0;
    this.tools = 0;
    this.toolMs = 0;
    /** @type {number[]} */
    this.responses = [];
    this.endedMs = -1;
  }

  /** @param {any} item */
  take(item) {
    if (item.kind === "webhook") return;
    this.atMs = Math.max(this.atMs, item.atMs);
    const data = item.data;
    if (item.kind === "leg-started") Object.assign(this, { engine: data.engine, state: "connected" });
    else if (item.kind === "leg-ended") this.state = "not connected";
    else if (item.kind === "interview-ended") this.state = inWords(data.reason).startsWith("ended") ? inWords(data.reason) : `ended: ${inWords(data.reason)}`;
    else if (item.kind === "engine-changed") this.engine = data.to_engine;
    else if (item.kind === "question-asked") this.question = `${data.n} of ${data.of}`;
    else if (item.kind === "operator-acted") this.extra += data.minutes;
    else if (item.kind === "tool-answered") {
      this.tools++;
      this.toolMs = Math.max(this.toolMs, data.took_ms);
    } else if (item.kind === "turn-recorded") this.turn(data);
  }

  /** As `bridge.domain.call_view.ResponseTimes` counts them. @param {any} data */
  turn(data) {
    if (data.speaker === "candidate") this.endedMs = data.end_ms;
    else if (this.endedMs >= 0 && data.end_ms > this.endedMs) {
      if (data.start_ms >= this.endedMs) this.responses.push(data.start_ms - this.endedMs);
      this.endedMs = -1;
    }
  }

  get response() {
    const ordered = [...this.responses].sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)];
    return ordered.length ? `${inSeconds(at(0.5))} (p50), ${inSeconds(at(0.95))} (p95)` : "–";
  }
}
