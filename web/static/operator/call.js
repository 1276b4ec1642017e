// @ts-check
/**
 * One call's page: the stream into timeline, facts and meters; what an operator can do; the replay of a call that is over.
 */
import { call } from "../api.js";
import { byId, say } from "../live/dom.js";
import { ENGINES, clock } from "./build.js";
import { Listening } from "./listening.js";
import { Stream } from "./stream.js";
import { Facts, Timeline } from "./timeline.js";

const STATES = /** @type {Record<string, [string, string]>} */ ({
  live: ["Following", "badge-good"], reconnecting: ["Reconnecting…", "badge-warn"], paused: ["Paused in the background", ""], over: ["Over", ""],
});
const DONE = /** @type {Record<string, string>} */ ({ whisper: "Whispered.", say: "The interviewer says it.", extend: "Time added; the candidate was told." });
const page = byId("call");
const base = `/api/operator/calls/${encodeURIComponent(page.dataset.session ?? "")}`;
const timeline = new Timeline(byId("timeline"), byId("to-end"));
const stream = new Stream(`${base}/events`);
const listening = new Listening(page.dataset.session ?? "");
let facts = new Facts();
/** @type {any[]} */
let history = [];
let caughtUpAt = 0;

/** @param {string} text */
function problem(text) {
  const place = byId("call-problem");
  place.hidden = !text;
  say(/** @type {HTMLElement} */ (place.querySelector("p")), text);
}

// What is seen ---------------------------------------------------------------------------------------------------------
/** @param {any} item */
function show(item) {
  if (item.kind === "levels") return levels(item);
  timeline.take(item);
  facts.take(item);
  if (item.seq !== null) caughtUpAt = performance.now();
  return showFacts();
}

function showFacts() {
  if (facts.state) say(byId("fact-state"), facts.state);
  if (facts.engine) say(byId("fact-engine"), ENGINES[facts.engine] ?? facts.engine);
  say(byId("fact-question"), facts.question || "–");
  const running = facts.state === "connected" && caughtUpAt ? performance.now() - caughtUpAt : 0;
  say(byId("fact-clock"), `${clock(facts.atMs + running)} of ${clock((Number(page.dataset.minutes) + facts.extra) * 60_000)}`);
  say(byId("fact-response"), facts.response);
  say(byId("fact-tools"), facts.tools ? `${facts.tools}, the slowest took ${facts.toolMs} ms` : "–");
}

/** Five steps of 200 ms each, played out as they were. @param {any} item */
function levels({ data }) {
  for (const side of ["candidate", "interviewer"]) {
    data[side].forEach((/** @type {number} */ level, /** @type {number} */ i) =>
      setTimeout(() => (/** @type {HTMLMeterElement} */ (byId(`level-${side}`)).value = Math.min(1, Math.sqrt(level) * 1.6)), i * 200),
    );
  }
}

/** A webhook's newest state, where its time is. @param {any} item */
function keep(item) {
  history = history.filter(({ kind, data }) => kind !== "webhook" || data.id !== item.data.id);
  const later = history.findIndex(({ atMs }) => atMs > item.atMs);
  history.splice(later < 0 ? history.length : later, 0, item);
}

stream.addEventListener("item", (event) => {
  const item = /** @type {CustomEvent} */ (event).detail;
  if (item.seq !== null) history.push(item);
  else if (item.kind === "webhook") keep(item);
  if (item.kind === "end") return over();
  if (!replay.running) show(item);
});
stream.addEventListener("trouble", (event) => problem(/** @type {CustomEvent} */ (event).detail));
stream.addEventListener("state", (event) => {
  const [text, look] = STATES[/** @type {CustomEvent} */ (event).detail] ?? ["", ""];
  const badge = byId("stream-state");
  say(badge, text);
  badge.className = `badge ${look}`;
});
byId("only-talk").addEventListener("change", ({ target }) => byId("timeline").classList.toggle("only-talk", /** @type {HTMLInputElement} */ (target).checked));
setInterval(showFacts, 1000);

function over() {
  facts.state ||= "over";
  showFacts();
  byId("acts").hidden = true;
  byId("levels").hidden = true;
  byId("replay").hidden = !history.length;
  listening.stop();
}

// What an operator does ------------------------------------------------------------------------------------------------
/** @param {string} act @param {object} body @param {string} done */
async function act(act, body, done) {
  problem("");
  try {
    await call("POST", `${base}/${act}`, body);
    say(byId("call-done"), done);
    return true;
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
    return false;
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form.act"))) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const body = given.has("minutes") ? { minutes: Number(given.get("minutes")) } : { text: String(given.get("text")) };
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
    button.disabled = true;
    if ((await act(form.dataset.act ?? "", body, DONE[form.dataset.act ?? ""])) && "text" in body) form.reset();
    button.disabled = false;
  });
}

const dialog = /** @type {HTMLDialogElement} */ (byId("end-dialog"));
byId("end").addEventListener("click", () => {
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "goodbye") void act("end", {}, "The interviewer says goodbye.");
  if (dialog.returnValue === "now") void act("end", { now: true }, "The interview was ended.");
});

byId("listen").addEventListener("click", async () => {
  problem("");
  if (listening.on) listening.stop();
  else await listening.start();
  showListening();
});
listening.addEventListener("stopped", (event) => {
  showListening();
  if (!stream.over) problem(/** @type {CustomEvent} */ (event).detail);
});
function showListening() {
  byId("listen").setAttribute("aria-pressed", String(listening.on));
  say(/** @type {HTMLElement} */ (byId("listen").querySelector("span")), listening.on ? "Stop listening" : "Listen in");
}

document.getElementById("report-again")?.addEventListener("click", async () => {
  problem("");
  try {
    await call("POST", `/api/operator/sessions/${encodeURIComponent(page.dataset.session ?? "")}/report`, {});
    say(byId("call-done"), "The report is being written again.");
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
  }
});

const refunding = /** @type {HTMLDialogElement | null} */ (document.getElementById("refund-dialog"));
document.getElementById("refund")?.addEventListener("click", () => {
  if (refunding) refunding.returnValue = "";
  refunding?.showModal();
});
refunding?.addEventListener("close", async () => {
  if (refunding.returnValue !== "refund") return;
  const button = /** @type {HTMLButtonElement} */ (byId("refund"));
  problem("");
  button.disabled = true;
  try {
    await call("POST", `/api/operator/sessions/${encodeURIComponent(page.dataset.session ?? "")}/refund`, {});
    say(byId("call-done"), "The money is on its way back.");
  } catch (error) {
    button.disabled = false;
    problem(/** @type {Error} */ (error).message);
  }
});

// Replay ---------------------------------------------------------------------------------------------------------------
const replay = {
  running: false,
  timer: 0,
  next: 0,
  toggle() {
    if (this.running) return this.stop();
    if (this.next >= history.length) this.next = 0;
    if (this.next === 0) {
      timeline.clear();
      facts = new Facts();
    }
    this.running = true;
    this.label("Pause");
    return this.step();
  },
  step() {
    const item = history[this.next];
    if (!item) return this.stop();
    show(item);
    this.next++;
    /** @type {HTMLProgressElement} */ (byId("replay-progress")).value = this.next / history.length;
    const following = history[this.next];
    const wait = following ? Math.max(0, following.atMs - item.atMs) / Number(/** @type {HTMLSelectElement} */ (byId("replay-speed")).value) : 0;
    this.timer = window.setTimeout(() => this.step(), Math.min(wait, 5000));
  },
  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.label("Replay");
  },
  /** @param {string} text */
  label(text) {
    say(/** @type {HTMLElement} */ (byId("replay-toggle").querySelector("span")), text);
  },
};
byId("replay-toggle").addEventListener("click", () => replay.toggle());
stream.open();
