// @ts-check
/**
 * The report page's behaviour: follows the report while it is written (told by the server, else looking itself), tries a failed one again,
 * opens everything for print. Without this file the page still reads, prints and refreshes. Read next: `report-player.js`.
 */
import { call } from "./api.js";
import { playback } from "./report-player.js";

const FIRST_LOOK_MS = 1500;
const SLOWEST_LOOK_MS = 15000;
const LONG_WAIT_MS = 60000;
/** What a report status means on the list of steps. */
const PLACE = /** @type {Record<string, number>} */ ({ none: 1, queued: 1, stale: 1, running: 2, ready: 3 });

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

  /** @param {string} reportStatus @param {string} [step] the server's own words for it */
  const show = (reportStatus, step) => {
    const place = PLACE[reportStatus] ?? 1;
    progress.value = place;
    steps.forEach((one, n) => {
      one.className = n < place ? "done" : n === place ? "now" : "later";
      if (n === place) one.setAttribute("aria-current", "step");
      else one.removeAttribute("aria-current");
    });
    const late = Date.now() - began > LONG_WAIT_MS ? " This takes longer than usual; you can close the page, nothing is lost." : "";
    say(reportStatus === "ready" ? "Your report is ready." : `${step ?? steps[place]?.textContent ?? "Working"}.${late}`);
  };

  const told = new EventSource(`${address}/events`);
  told.addEventListener("step", (event) => {
    const body = JSON.parse(/** @type {MessageEvent} */ (event).data);
    show(body.reportStatus, body.step);
  });
  told.addEventListener("end", () => {
    told.close();
    show("ready");
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
 * Looks again and again, with patience.
 * @param {string} address
 * @param {(status: string, step?: string) => void} show
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
        const body = await response.json().catch(() => ({}));
        show(body.reportStatus, body.step);
        pause = seconds(response) * 1000 || FIRST_LOOK_MS;
      } else if (response.status === 429 || response.status >= 500) {
        pause = seconds(response) * 1000 || Math.min(pause * 2, SLOWEST_LOOK_MS);
        say("The server is busy; looking again soon.");
      } else {
        if (response.status === 200) show("ready");
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
