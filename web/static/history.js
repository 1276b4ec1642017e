// @ts-check
/**
 * Deleting from the history page: asks first, then removes the row and says so. Everything else on the page is links and a form.
 */
import { call } from "./api.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("delete-dialog"));
const status = /** @type {HTMLElement} */ (document.getElementById("history-status"));
const problem = /** @type {HTMLElement} */ (document.getElementById("history-problem"));
/** @type {HTMLElement | null} */
let asked = null;

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-delete]"))) {
  button.addEventListener("click", () => {
    asked = button;
    /** @type {HTMLElement} */ (document.getElementById("delete-what")).textContent = button.dataset.what ?? "";
    dialog.returnValue = "";
    dialog.showModal();
  });
}

dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "delete" || !asked) return;
  const button = asked;
  problem.hidden = true;
  try {
    await call("DELETE", `/api/interviews/${encodeURIComponent(button.dataset.delete ?? "")}`);
  } catch (error) {
    /** @type {HTMLElement} */ (problem.querySelector("p")).textContent = /** @type {Error} */ (error).message;
    problem.hidden = false;
    return;
  }
  const row = /** @type {HTMLElement} */ (button.closest("tr"));
  const next = /** @type {HTMLElement | null} */ ((row.nextElementSibling ?? row.previousElementSibling)?.querySelector("[data-delete]"));
  row.remove();
  status.textContent = `Deleted: ${button.dataset.what}.`;
  if (next) next.focus();
  else location.reload();
});
