// @ts-check
/**
 * The list of live calls: asked for again every few seconds while the page is seen, rows kept in place so that focus stays; and the
 * buttons that pause, drain and open this server.
 */
import { call } from "../api.js";
import { byId, say } from "../live/dom.js";
import { ENGINES, build, clock, inSeconds, inWords } from "./build.js";

const ASK_MS = 2500;
const SLOW_ASK_MS = 10_000;
const URGENCY = /** @type {Record<string, string>} */ ({ act: "badge-bad", look: "badge-warn", note: "" });
/** @type {Record<string, string>} */
const TITLES = JSON.parse(byId("calls").dataset.titles ?? "{}");
const body = /** @type {HTMLTableSectionElement} */ (document.querySelector("#calls tbody"));

/** @param {{amount: number, micros: number, currency: string}[]} cost */
const money = (cost) => cost.map(({ micros, currency }) => new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: 3 }).format(micros / 1e6)).join(" + ") || "–";

/** @param {any} item */
function row(item) {
  const at = /** @type {HTMLTableRowElement | null} */ (body.querySelector(`tr[data-session="${CSS.escape(item.sessionId)}"]`)) ?? newRow(item);
  const [name, attention, engine, question, minutes, response, cost] = at.cells;
  at.dataset.urgency = item.attention[0]?.urgency ?? "";
  say(/** @type {HTMLElement} */ (name.querySelector(".small")), `${item.sessionId.slice(0, 8)}, ${item.difficulty}, ${inWords(item.status)}${item.here || item.status === "interrupted" ? "" : ", held by another process"}${item.listeners ? ", listened to" : ""}`);
  attention.replaceChildren(concerns(item.attention));
  engine.textContent = ENGINES[item.engine] ?? item.engine;
  question.textContent = `${item.question.n} of ${item.question.of}`;
  minutes.textContent = `${clock(item.elapsed * 1000)} of ${clock(item.total * 1000)}`;
  response.textContent = item.responseMs.count ? `${inSeconds(item.responseMs.p50)} / ${inSeconds(item.responseMs.p95)}` : "–";
  cost.textContent = money(item.cost);
  return at;
}

/** @param {any} item */
function newRow(item) {
  const name = build("th", {}, build("a", { href: `/operator/calls/${encodeURIComponent(item.sessionId)}` }, TITLES[item.type] ?? item.type), build("span", { class: "small muted" }));
  name.setAttribute("scope", "row");
  const cells = ["Attention", "Engine", "Question", "Minutes", "Answers after", "Cost so far"].map((label) => build("td", { "data-label": label }));
  cells[5].classList.add("js-cost");
  const made = /** @type {HTMLTableRowElement} */ (build("tr", { "data-session": item.sessionId }, name, ...cells));
  body.append(made);
  return made;
}

/** @param {{urgency: string, text: string}[]} list */
function concerns(list) {
  if (!list.length) return build("span", { class: "muted" }, "–");
  return build("ul", { class: "concerns" }, ...list.map(({ urgency, text }) => build("li", {}, build("span", { class: `badge concern ${URGENCY[urgency]}` }, text))));
}

/** @param {any} capacity */
function showCapacity(capacity) {
  say(byId("capacity-live"), String(capacity.live));
  say(byId("capacity-max"), String(capacity.max));
  Object.assign(byId("capacity-meter"), { max: capacity.max, value: capacity.live });
  const state = byId("capacity-state");
  const closed = capacity.draining || capacity.paused;
  say(state, capacity.stopping ? "Stopping" : capacity.draining ? "Draining" : capacity.paused ? "Paused" : capacity.live >= capacity.max ? "Full" : "Open");
  state.className = `badge ${closed || capacity.live >= capacity.max ? "badge-warn" : "badge-good"}`;
  for (const button of switches) button.hidden = button.dataset.switch === "undrain" ? !closed : button.dataset.switch === "pause" ? closed : capacity.draining;
}

/** @param {{calls: any[], capacity: any}} data */
function show({ calls, capacity }) {
  showCapacity(capacity);
  const rows = calls.map(row);
  for (const old of [...body.rows]) if (!rows.includes(old)) old.remove();
  // Moved only where the order differs: a moved row loses the focus in it.
  rows.forEach((made, i) => {
    if (body.rows[i] !== made) body.insertBefore(made, body.rows[i] ?? null);
  });
  const priced = calls.some(({ cost }) => cost.length);
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".js-cost"))) cell.hidden = !priced;
  byId("live-card").hidden = !calls.length;
  byId("live-empty").hidden = calls.length > 0;
  const urgent = calls.filter(({ attention }) => attention[0]?.urgency === "act").length;
  say(byId("live-status"), `${calls.length} live call${calls.length === 1 ? "" : "s"}${urgent ? `, ${urgent} need${urgent === 1 ? "s" : ""} you now` : ""}`);
}

/** @param {string} text */
function problem(text) {
  const place = byId("live-problem");
  place.hidden = !text;
  say(/** @type {HTMLElement} */ (place.querySelector("p")), text);
}

let timer = 0;
async function ask() {
  clearTimeout(timer);
  let wait = ASK_MS;
  try {
    show((await call("GET", "/api/operator/calls")).data);
    problem("");
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
    wait = SLOW_ASK_MS;
  }
  if (!document.hidden) timer = window.setTimeout(ask, wait);
}

const switches = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-switch]")]);
for (const button of switches) {
  button.addEventListener("click", async () => {
    try {
      showCapacity((await call("POST", `/api/operator/${button.dataset.switch}`, {})).data.capacity);
      say(byId("live-status"), button.dataset.done ?? "");
      if (button.hidden) switches.find((other) => !other.hidden)?.focus();
    } catch (error) {
      problem(/** @type {Error} */ (error).message);
    }
  });
}
document.addEventListener("visibilitychange", () => void (document.hidden || ask()));
void ask();
