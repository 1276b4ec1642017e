// @ts-check
/**
 * The report page's behaviour: follows the report while it is written (told by the server, else looking itself), shows the first strengths as they are found, tries a failed one again,
 * opens everything for print. Without this file the page still reads, prints and refreshes. Read next: `report-player.js`.
 */
import { call } from "./api.js";
import { playback } from "./report-player.js";

const FIRST_LOOK_MS = 1500;
const SLOWEST_LOOK_MS = 15000;
const LONG_WAIT_MS = 60000;
/** The step of a report status, where the server names none. */
const NAME = /** @type {Record<string, string>} */ ({ none: "waiting", queued: "waiting", stale: "waiting", running: "comparing", ready: "showing" });

/**
 * @typedef {{reportStatus: string, step?: string, stepName?: string, done?: number, of?: number, strengths?: Strength[]}} Step
 * @typedef {{order: number, text: string, quote: string}} Strength
 */

/** @param {HTMLElement} waiting */
function wait(waiting) {
  const address = `/api/interviews/${encodeURIComponent(waiting.dataset.session ?? "")}/report`;
  const status = /** @type {HTMLElement} */ (document.getElementById("wait-status"));
  const progress = /** @type {HTMLProgressElement} */ (waiting.querySelector("progress"));
  const steps = /** @type {HTMLElement[]} */ ([...waiting.querySelectorAll("[data-step]")]);
  const began = Date.now();

  /** Only a change is written, so that a screen reader hears each thing once. @param {string} text */
  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  /** @param {Step} body */
  const show = ({ reportStatus, step, stepName, done, of, strengths }) => {
    const name = reportStatus === "ready" ? "showing" : (stepName ?? NAME[reportStatus] ?? "waiting");
    const place = Math.max(1, steps.findIndex((one) => one.dataset.step === name));
    progress.value = place + (of ? (done ?? 0) / of : 0);
    steps.forEach((one, n) => {
      one.className = n < place ? "done" : n === place ? "now" : "later";
      if (n === place) one.setAttribute("aria-current", "step");
      else one.removeAttribute("aria-current");
      const count = one.querySelector(".wait-count");
      if (count) count.textContent = n === place && of ? `: ${done ?? 0} of ${of}` : "";
    });
    for (const strength of strengths ?? []) found(strength);
    const late = Date.now() - began > LONG_WAIT_MS ? " This takes longer than usual; you can close the page, nothing is lost." : "";
    say(reportStatus === "ready" ? "Your report is ready." : `${step ?? steps[place]?.textContent ?? "Working"}.${late}`);
  };

  const told = new EventSource(`${address}/events`);
  told.addEventListener("step", (event) => {
    show(JSON.parse(/** @type {MessageEvent} */ (event).data));
  });
  told.addEventListener("strength", (event) => found(JSON.parse(/** @type {MessageEvent} */ (event).data)));
  told.addEventListener("end", () => {
    told.close();
    show({ reportStatus: "ready" });
    location.reload();
  });
  told.addEventListener("error", () => {
    // Where events do not come through (a proxy, a restart), the page looks for itself.
    told.close();
    look(address, show, say);
  });
  addEventListener("pagehide", () => told.close());
}

/**
 * A strength that the judge has found already, told once: the report is still being written.
 * @param {Strength} strength
 */
function found({ order, text, quote }) {
  const section = document.getElementById("wait-strengths");
  const list = section?.querySelector("ul");
  if (!section || !list) return;
  const key = `${order} ${text}`;
  if ([...list.children].some((one) => /** @type {HTMLElement} */ (one).dataset.key === key)) return;
  const item = document.createElement("li");
  item.dataset.key = key;
  const where = document.createElement("strong");
  where.textContent = `Question ${order}: `;
  item.append(where, text);
  if (quote) {
    const said = document.createElement("q");
    said.textContent = quote;
    item.append(" ", said);
  }
  list.append(item);
  section.hidden = false;
}

/**
 * Looks again and again, with patience.
 * @param {string} address
 * @param {(body: Step) => void} show
 * @param {(text: string) => void} say
 */
function look(address, show, say) {
  let pause = FIRST_LOOK_MS;
  let timer = 0;
  const once = async () => {
    clearTimeout(timer);
    try {
      const response = await fetch(address, { headers: { accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (response.status === 202) {
        show(await response.json().catch(() => ({ reportStatus: "running" })));
        pause = seconds(response) * 1000 || FIRST_LOOK_MS;
      } else if (response.status === 429 || response.status >= 500) {
        pause = seconds(response) * 1000 || Math.min(pause * 2, SLOWEST_LOOK_MS);
        say("The server is busy; looking again soon.");
      } else {
        if (response.status === 200) show({ reportStatus: "ready" });
        location.reload();
        return;
      }
    } catch {
      pause = Math.min(pause * 2, SLOWEST_LOOK_MS);
      say("The server cannot be reached; trying again.");
    }
    timer = setTimeout(once, pause);
  };

  addEventListener("online", once);
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", (event) => event.persisted && once());
  timer = setTimeout(once, pause);
}

/** @param {Response} response */
function seconds(response) {
  return Number(response.headers.get("retry-after")) || 0;
}

/** @param {HTMLButtonElement} button */
function retrying(button) {
  const status = /** @type {HTMLElement} */ (document.getElementById("retry-status"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("POST", `/api/interviews/${encodeURIComponent(button.dataset.session ?? "")}/report`);
      location.reload();
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  });
}

function printing() {
  const button = document.getElementById("print");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  const open = () => {
    opened = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("main details:not([open])")]);
    for (const details of opened) details.open = true;
  };
  addEventListener("beforeprint", open);
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
  if (new URLSearchParams(location.search).has("print")) {
    open();
    addEventListener("load", () => setTimeout(print, 200));
  }
}

const waiting = document.getElementById("waiting");
if (waiting) wait(waiting);
const audio = document.getElementById("player");
if (audio instanceof HTMLAudioElement) playback(audio);
const retry = document.getElementById("retry");
if (retry instanceof HTMLButtonElement) retrying(retry);
printing();
