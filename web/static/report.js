// @ts-check
/**
 * The report page's behaviour: looks for the report while it is written, plays the recording from any line or quote, marks the
 * line being heard, opens everything for print. Without this file the page still reads, prints and refreshes.
 */

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
  let pause = FIRST_LOOK_MS;
  let timer = 0;

  /** Only a change is written, so that a screen reader hears each thing once. @param {string} text */
  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  /** @param {number} place */
  const show = (place) => {
    progress.value = place;
    steps.forEach((step, n) => {
      step.className = n < place ? "done" : n === place ? "now" : "later";
      if (n === place) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  };

  const look = async () => {
    clearTimeout(timer);
    try {
      const response = await fetch(address, { headers: { accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (response.status === 200) {
        show(3);
        say("Your report is ready.");
        location.reload();
        return;
      }
      if (response.status === 202) {
        const body = await response.json().catch(() => ({}));
        const place = PLACE[body.reportStatus] ?? 1;
        show(place);
        const late = Date.now() - began > LONG_WAIT_MS ? " This takes longer than usual; you can close the page, nothing is lost." : "";
        say(`${steps[place]?.textContent ?? "Working"}.${late}`);
        pause = seconds(response) * 1000 || FIRST_LOOK_MS;
      } else if (response.status === 429 || response.status >= 500) {
        pause = seconds(response) * 1000 || Math.min(pause * 2, SLOWEST_LOOK_MS);
        say("The server is busy; looking again soon.");
      } else {
        location.reload();
        return;
      }
    } catch {
      pause = Math.min(pause * 2, SLOWEST_LOOK_MS);
      say("The server cannot be reached; trying again.");
    }
    timer = setTimeout(look, pause);
  };

  addEventListener("online", look);
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", (event) => event.persisted && look());
  timer = setTimeout(look, pause);
}

/** @param {Response} response */
function seconds(response) {
  return Number(response.headers.get("retry-after")) || 0;
}

/** @param {HTMLAudioElement} audio */
function playback(audio) {
  const problem = document.getElementById("player-problem");
  const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".line[data-start]")]);
  const starts = lines.map((line) => Number(line.dataset.start));
  /** @type {HTMLElement | undefined} */
  let current;

  const mark = () => {
    let n = starts.length - 1;
    while (n >= 0 && starts[n] > audio.currentTime + 0.05) n -= 1;
    const line = audio.currentTime > 0 || !audio.paused ? lines[n] : undefined;
    if (line === current) return;
    current?.removeAttribute("aria-current");
    line?.setAttribute("aria-current", "true");
    current = line;
  };

  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".play[data-t]"))) {
    button.disabled = false;
    button.addEventListener("click", () => {
      audio.currentTime = Number(button.dataset.t);
      audio.play().catch(() => {
        if (problem) problem.textContent = "The recording cannot be played.";
      });
    });
  }
  for (const event of ["timeupdate", "seeked", "play"]) audio.addEventListener(event, mark);
  audio.addEventListener("error", () => {
    if (problem) problem.textContent = "The recording cannot be loaded. It may have been deleted; everything else on this page stays.";
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
  addEventListener("beforeprint", () => {
    opened = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details:not([open])")]);
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}

const waiting = document.getElementById("waiting");
if (waiting) wait(waiting);
const audio = document.getElementById("player");
if (audio instanceof HTMLAudioElement) playback(audio);
printing();
