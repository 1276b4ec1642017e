// @ts-check
/**
 * Forms that are sent to the API as JSON. A form says by its attributes what happens:
 *   data-post / data-patch   the address
 *   data-then                where to go afterwards; "answer": to the `url` of the answer; "reload": this page again
 *   data-done                what to say instead of going anywhere
 *   data-hash                the field that takes what stands behind the # of the address; data-no-hash: what to say when nothing does
 *   data-email-from          id of a field of another form whose value is sent as `email`
 */
import { call } from "./api.js";

/** @param {HTMLFormElement} form @param {string} text */
function complain(form, text) {
  const box = /** @type {HTMLElement} */ (form.querySelector("[data-problem]"));
  /** @type {HTMLElement} */ (box.querySelector("p")).textContent = text;
  box.hidden = false;
}

/** @param {HTMLFormElement} form */
function values(form) {
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, value] of new FormData(form)) {
    const field = form.elements.namedItem(name);
    const several = field instanceof RadioNodeList || (field instanceof HTMLInputElement && field.type === "checkbox");
    if (several) found[name] = [.../** @type {string[]} */ (found[name] ?? []), value];
    else if (field instanceof HTMLInputElement && field.type === "number") found[name] = Number(value);
    else if (!(field instanceof HTMLSelectElement && field.dataset.number !== undefined)) found[name] = value;
    else if (value) found[name] = Number(value);
  }
  if (form.dataset.emailFrom) {
    const other = /** @type {HTMLInputElement} */ (document.getElementById(form.dataset.emailFrom));
    if (!other.reportValidity()) return null;
    found.email = other.value;
  }
  return found;
}

/** @param {HTMLFormElement} form @param {any} data */
function after(form, data) {
  const then = form.dataset.then;
  if (then === "answer") location.assign(data.url);
  else if (then === "reload") location.reload();
  else if (then) location.assign(then);
  form.dispatchEvent(new CustomEvent("sent", { detail: data }));
  const note = /** @type {HTMLElement | null} */ (form.querySelector("[data-done-note]"));
  if (!note) return;
  /** @type {HTMLElement} */ (note.querySelector("span")).textContent = form.dataset.done ?? "";
  note.hidden = false;
}

/** @param {SubmitEvent} event */
async function send(event) {
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  event.preventDefault();
  /** @type {HTMLElement} */ (form.querySelector("[data-problem]")).hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const body = values(form);
  if (!body) return;
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button:not([type=button])"));
  button.disabled = true;
  try {
    const { data } = await call(form.dataset.patch ? "PATCH" : "POST", form.dataset.patch ?? form.dataset.post ?? "", body);
    after(form, data);
  } catch (error) {
    const failed = /** @type {import("./api.js").ApiError} */ (error);
    const wait = failed.status === 429 && failed.retryAfter ? ` Try again in ${Math.ceil(failed.retryAfter / 60)} min.` : "";
    const first = failed.details?.[0];
    const field = first && form.elements.namedItem(first.field.split(".")[0]);
    complain(form, failed.status === 429 ? `That was too often.${wait}` : first ? first.message : failed.message);
    if (field instanceof HTMLElement) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
    }
  } finally {
    button.disabled = false;
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-post], form[data-patch]"))) {
  form.addEventListener("submit", send);
  if (!form.dataset.hash) continue;
  const code = decodeURIComponent(location.hash.slice(1));
  const field = form.elements.namedItem(form.dataset.hash);
  if (code && field instanceof HTMLInputElement) {
    field.value = code;
    // Out of the address bar, the history and what the next page is told.
    history.replaceState(null, "", location.pathname);
  } else if (form.dataset.noHash) complain(form, form.dataset.noHash);
}
