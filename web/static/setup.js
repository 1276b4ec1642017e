// @ts-check
/**
 * The set-up page's behaviour: one step at a time (the step is the URL's fragment, so the browser's Back works), a draft that
 * survives a reload, the review, and sending it. Without this file the page is one long form to read.
 */
import { ApiError, call } from "./api.js";
import { safeCheckout } from "./checkout.js";
import { documentNames, documents, forgetDocuments, startDocuments } from "./documents.js";

/** @typedef {{slug: string, title: string}} Named */
/** @typedef {Named & {areas: Named[]}} TypeChoice */
/** @typedef {Named & {min: number, max: number, default: number, questions: number}} DifficultyChoice */

const STEPS = ["type", "difficulty", "focus", "details", "review"];
/** The step on which a field of the API is asked for. */
const STEP_OF = /** @type {Record<string, string>} */ ({ type: "type", difficulty: "difficulty", focusAreas: "focus" });
const TEXTS = ["specificRequirements", "company", "role", "level", "otherAreas"];
const PICKS = ["language", "voice", "pace", "followUpStyle", "mode"];
const DRAFT = "prepkit.setup.draft";

const form = /** @type {HTMLFormElement} */ (document.getElementById("setup"));
const data = /** @type {{types: TypeChoice[], difficulties: DifficultyChoice[], last: any}} */ (
  JSON.parse(document.getElementById("setup-data")?.textContent || "{}")
);
const duration = /** @type {HTMLInputElement} */ (document.getElementById("duration"));
const create = /** @type {HTMLButtonElement} */ (document.getElementById("create"));
const payments = form.dataset.payments === "on";
/** The priced interview waiting for a yes, when payments are on. @type {{sessionId: string, status: string} | null} */
let quoted = null;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} name */
const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
const type = () => data.types.find((t) => t.slug === input("type").value) ?? data.types[0];
const difficulty = () => data.difficulties.find((d) => d.slug === input("difficulty").value) ?? data.difficulties[0];
const areaBoxes = () =>
  /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll(`.areas[data-type="${type().slug}"] input`)]);
const chosenAreas = () => areaBoxes().filter((box) => box.checked);
const otherAreas = () => input("otherAreas").value.split(",").map((text) => text.trim()).filter(Boolean);

/** What the API is sent; also the draft. */
function setup() {
  return {
    type: type().slug,
    difficulty: difficulty().slug,
    duration: Number(duration.value),
    focusAreas: [...chosenAreas().map((box) => box.value), ...otherAreas()],
    specificRequirements: input("specificRequirements").value.trim(),
    language: input("language").value,
    voice: input("voice").value,
    pace: input("pace").value,
    followUpStyle: input("followUpStyle").value,
    mode: input("mode").value,
    company: input("company").value.trim(),
    role: input("role").value.trim(),
    level: input("level").value.trim(),
  };
}

/** Fills the form from a draft, the last interview or a surprise; unknown values are left as they are. @param {any} from */
function fill(from) {
  check("type", from.type);
  check("difficulty", from.difficulty);
  const areas = new Set(Array.isArray(from.focusAreas) ? from.focusAreas : []);
  for (const box of areaBoxes()) box.checked = areas.delete(box.value);
  input("otherAreas").value = [...areas].join(", ");
  fitDuration(from.duration);
  for (const name of TEXTS) if (typeof from[name] === "string") input(name).value = from[name];
  for (const name of PICKS) {
    const select = /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (input(name)));
    if ([...select.options].some((option) => option.value === from[name])) select.value = from[name];
  }
}

/** @param {string} name @param {string} value */
function check(name, value) {
  for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll(`input[name="${name}"]`))) {
    if (radio.value === value) radio.checked = true;
  }
}

/** Keeps the length inside what the difficulty allows. @param {number} [wanted] */
function fitDuration(wanted) {
  const level = difficulty();
  duration.min = String(level.min);
  duration.max = String(level.max);
  duration.value = String(wanted && wanted >= level.min && wanted <= level.max ? wanted : level.default);
  byId("duration-hint").textContent = `${level.min} to ${level.max} minutes at this difficulty.`;
}

function questionCount() {
  const room = Math.floor((Number(duration.value) - Number(form.dataset.closingMinutes)) / Number(form.dataset.minutesPerQuestion));
  return Math.max(1, Math.min(difficulty().questions, room));
}

/** @param {string} name */
function picked(name) {
  const select = /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (input(name)));
  return select.selectedOptions[0]?.text ?? "";
}

/** Shows every choice where it is repeated: beside the steps and in the review. */
function show() {
  for (const group of form.querySelectorAll(".areas")) {
    /** @type {HTMLElement} */ (group).hidden = /** @type {HTMLElement} */ (group).dataset.type !== type().slug;
  }
  const areas = [...chosenAreas().map((box) => box.parentElement?.textContent?.trim() ?? ""), ...otherAreas()];
  const minutes = `${duration.value} minutes`;
  const target = [input("role").value, input("level").value, input("company").value].map((text) => text.trim()).filter(Boolean).join(", ");
  const wishes = input("specificRequirements").value.trim();
  byId("duration-text").textContent = minutes;
  const left = 2000 - input("specificRequirements").value.length;
  byId("wishes-left").hidden = left > 300;
  byId("wishes-left").textContent = `${left} characters left.`;
  const review = /** @type {Record<string, string>} */ ({
    type: type().title,
    difficulty: difficulty().title,
    duration: `About ${minutes}`,
    questions: `About ${questionCount()}, with ${picked("followUpStyle").toLowerCase()} follow-ups`,
    mode: picked("mode"),
    focus: areas.join(", ") || "A mix of everything",
    voice: `${picked("voice")}, ${picked("pace").toLowerCase()} pace, ${picked("language")}`,
    target,
    wishes,
    documents: documentNames(),
  });
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-review]"))) {
    const text = review[cell.dataset.review ?? ""];
    cell.textContent = text;
    cell.hidden = !text;
    /** @type {HTMLElement} */ (cell.previousElementSibling).hidden = !text;
  }
  const beside = /** @type {Record<string, string>} */ ({
    type: type().title,
    difficulty: difficulty().title,
    focus: areas.length ? `${areas.length} chosen` : "A mix",
    details: minutes,
    review: "",
  });
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-value]"))) {
    cell.textContent = beside[cell.dataset.value ?? ""];
  }
}

/** Shows the step that the URL's fragment names. @param {boolean} moveFocus */
function showStep(moveFocus) {
  const at = Math.max(0, STEPS.indexOf(location.hash.slice(1)));
  STEPS.forEach((id, i) => {
    byId(id).classList.toggle("current", i === at);
    const link = document.querySelector(`.steps a[href="#${id}"]`);
    link?.classList.toggle("done", i < at);
    if (i === at) link?.setAttribute("aria-current", "step");
    else link?.removeAttribute("aria-current");
  });
  if (!moveFocus) return;
  byId(`${STEPS[at]}-title`).focus({ preventScroll: true });
  const top = form.getBoundingClientRect().top;
  if (top < 0 || top > innerHeight / 2) form.scrollIntoView({ block: "start" });
}

/** @param {string} step */
function go(step) {
  if (location.hash === `#${step}`) showStep(true);
  else location.hash = step;
}

function clearProblems() {
  byId("problem").hidden = true;
  for (const note of form.querySelectorAll(".field-error")) note.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const kept = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => !id.startsWith("error-"));
    if (kept.join("")) field.setAttribute("aria-describedby", kept.join(" "));
    else field.removeAttribute("aria-describedby");
  }
}

/** Says what is wrong on top, and each field's part at the field; goes to the first. @param {ApiError} error */
function showProblem(error) {
  clearProblems();
  const wait = error.retryAfter ? ` You can try again in ${error.retryAfter} seconds.` : "";
  byId("problem-text").textContent = error.message + wait;
  byId("problem").hidden = false;
  /** @type {{step: string, control: HTMLElement} | null} */
  let first = null;
  error.details.forEach((problem, i) => {
    const name = String(problem.field).split(/[.[]/)[0];
    const place = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!place) {
      byId("problem-text").textContent += ` ${name}: ${problem.message}`;
      return;
    }
    const note = document.createElement("p");
    note.className = "field-error";
    note.id = `error-${i}`;
    note.textContent = problem.message;
    const control = /** @type {HTMLElement | null} */ (place.querySelector("input:not([type=radio], [type=checkbox]), select, textarea"));
    (control?.closest(".field") ?? place).append(note);
    const target = control ?? /** @type {HTMLElement} */ (place.querySelector("input"));
    target.setAttribute("aria-invalid", "true");
    target.setAttribute("aria-describedby", `${target.getAttribute("aria-describedby") ?? ""} error-${i}`.trim());
    first ??= { step: STEP_OF[name] ?? "details", control: target };
  });
  if (first) {
    const { step, control } = /** @type {{step: string, control: HTMLElement}} */ (first);
    go(step);
    setTimeout(() => control.focus(), 50);
  } else {
    byId("problem").focus();
  }
}

/** @param {boolean} on @param {string} [text] */
function busy(on, text) {
  create.disabled = on;
  form.setAttribute("aria-busy", String(on));
  byId("create-text").textContent = text ?? (quoted ? payText() : payments ? "See the price" : "Create the interview");
}

const payText = () => !payments ? "Continue" : (quoted?.status === "awaiting_payment" ? "Agree and pay" : "Agree and continue");

/** The price belongs to the choices it was made for: any change gives the offer back. */
async function dropQuote() {
  if (!quoted) return;
  const { sessionId } = quoted;
  quoted = null;
  byId("note").hidden = true;
  if (payments) byId("cost").textContent = "Shown before you pay anything";
  busy(false);
  await call("DELETE", `/api/interviews/${encodeURIComponent(sessionId)}`).catch(() => null);
}

async function submit() {
  clearProblems();
  busy(true, quoted ? "One moment…" : "Preparing questions…");
  byId("writing").hidden = Boolean(quoted) || form.dataset.model !== "on";
  try {
    if (!quoted) {
      const { data: made } = await call("POST", "/api/interviews/setup", { ...setup(), ...documents() });
      if (!payments && !made.note) return enter(made.sessionId);
      quoted = made;
      if (payments) byId("cost").textContent = made.quote?.message ?? "Free";
      byId("note-text").textContent = made.note ?? "";
      byId("note").hidden = !made.note;
      busy(false);
      (made.note ? byId("note") : create).focus();
    } else if (quoted.status === "awaiting_payment") {
      const { data: payment } = await call("POST", "/api/payments/create", { sessionId: quoted.sessionId });
      const checkout = payment.checkoutUrl ? safeCheckout(payment.checkoutUrl) : null;
      if (!checkout && payment.checkoutUrl) throw new ApiError(0, "checkout", "The checkout address does not look right, so this page will not open it.");
      localStorage.removeItem(DRAFT);
      location.assign(checkout ?? `/interviews/${encodeURIComponent(quoted.sessionId)}`);
    } else {
      enter(quoted.sessionId);
    }
  } catch (error) {
    busy(false);
    showProblem(/** @type {ApiError} */ (error));
  } finally {
    byId("writing").hidden = true;
  }
}

/** @param {string} sessionId */
function enter(sessionId) {
  localStorage.removeItem(DRAFT);
  forgetDocuments();
  location.assign(`/interviews/${encodeURIComponent(sessionId)}`);
}

function surprise() {
  /** @template T @param {T[]} list @returns {T} */
  const any = (list) => list[Math.floor(Math.random() * list.length)];
  const chosen = any(data.types);
  const areas = chosen.areas.map((area) => area.slug).sort(() => Math.random() - 0.5).slice(0, 2);
  fill({ type: chosen.slug, difficulty: "medium", focusAreas: areas });
  changed();
  go("review");
}

function harder() {
  const at = data.difficulties.findIndex((level) => level.slug === data.last.difficulty);
  const next = data.difficulties[Math.min(at + 1, data.difficulties.length - 1)];
  fill({ ...data.last, difficulty: next.slug, duration: undefined });
  changed();
  go("review");
}

function changed() {
  void dropQuote();
  localStorage.setItem(DRAFT, JSON.stringify({ ...setup(), otherAreas: input("otherAreas").value }));
  show();
}

function cancel() {
  void dropQuote();
  clearProblems();
  form.reset();
  localStorage.removeItem(DRAFT);
  forgetDocuments();
  fitDuration();
  show();
  go("type");
}

try {
  const draft = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  if (draft) fill(draft);
} catch {
  localStorage.removeItem(DRAFT);
}
const asked = new URLSearchParams(location.search);
if (asked.has("type")) {
  // "Practise this next" on a report: the link carries the choice, which then belongs to the form and not to the address.
  fill({ type: asked.get("type"), difficulty: asked.get("difficulty") ?? "medium", focusAreas: (asked.get("focus") ?? "").split(",") });
  history.replaceState(null, "", location.pathname + "#review");
}
fitDuration(Number(duration.value));
startDocuments();
show();
showStep(false);
form.addEventListener("input", (event) => {
  if (/** @type {HTMLInputElement} */ (event.target).name === "difficulty") fitDuration();
  changed();
});
form.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLInputElement} */ (event.target);
  const at = STEPS.indexOf(location.hash.slice(1) || STEPS[0]);
  // Enter opens a file chooser.
  if (event.key !== "Enter" || target.tagName !== "INPUT" || target.type === "file" || at >= STEPS.length - 1) return;
  event.preventDefault();
  go(STEPS[Math.max(0, at) + 1]);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
for (const button of form.querySelectorAll("[data-cancel]")) button.addEventListener("click", cancel);
addEventListener("hashchange", () => showStep(true));
addEventListener("pageshow", () => busy(false));
byId("surprise").addEventListener("click", surprise);
document.getElementById("harder")?.addEventListener("click", harder);
