// @ts-check
/**
 * Has a letter sent when the report is ready, says what became of it, takes the wish back. On a finished report the form stands in a dialog.
 */
import { call } from "./api.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const at = (id) => /** @type {T} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (at("mail-form"));
const address = `/api/interviews/${encodeURIComponent(form.dataset.session ?? "")}/report/mail`;
const input = /** @type {HTMLInputElement} */ (at("mail-address"));
const withPdf = /** @type {HTMLInputElement | null} */ (document.getElementById("mail-pdf"));
const problem = at("mail-problem");
const forget = at("mail-forget");
const dialog = document.getElementById("mail-dialog");
const LOOK_MS = 1000;
const LONGEST_MS = 20000;

/** @param {{address: string, sentAt: string | null, failedAt: string | null} | null} mail @returns {boolean} whether it is still to be sent */
function show(mail) {
  const open = Boolean(mail && !mail.sentAt && !mail.failedAt);
  forget.hidden = !open;
  at("mail-status").textContent = !mail
    ? "Nothing will be sent."
    : mail.sentAt
      ? `Sent to ${mail.address}.`
      : mail.failedAt
        ? `The letter to ${mail.address} could not be delivered. Check the address and send it again.`
        : `A letter to ${mail.address} will be sent${dialog ? " in a moment" : " when the report is ready"}.`;
  return open;
}

/** @param {unknown} error */
function fail(error) {
  const told = /** @type {import("./api.js").ApiError} */ (error);
  problem.textContent = told.details?.[0]?.message ?? told.message;
  problem.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

/** Follows a letter of a finished report until it is out. */
async function follow() {
  const began = Date.now();
  while (dialog && Date.now() - began < LONGEST_MS) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const { data } = await call("GET", address);
    if (!show(data.mail)) return;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  input.removeAttribute("aria-invalid");
  try {
    const { data } = await call("POST", address, { address: input.value.trim(), attachPdf: withPdf?.checked ?? false });
    show(data.mail);
    await follow();
  } catch (error) {
    fail(error);
  }
});
forget.addEventListener("click", async () => {
  try {
    await call("DELETE", address);
    show(null);
    input.focus();
  } catch (error) {
    fail(error);
  }
});
if (dialog instanceof HTMLDialogElement) {
  const opener = at("mail-open");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  at("mail-close").addEventListener("click", () => dialog.close());
}
