// @ts-check
/**
 * The account page and the people page: buttons that take something back, choices that are saved when made, secrets that are shown once.
 */
import { call } from "./api.js";

const status = /** @type {HTMLElement} */ (document.getElementById("account-status"));

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-delete]"))) {
  button.addEventListener("click", async () => {
    try {
      await call("DELETE", button.dataset.delete ?? "");
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
      return;
    }
    button.closest("li")?.remove();
    status.textContent = button.dataset.said ?? "Done.";
    status.tabIndex = -1;
    status.focus();
  });
}

for (const field of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("select[data-change]"))) {
  field.addEventListener("change", async () => {
    const before = field.dataset.value ?? "";
    try {
      await call("PATCH", field.dataset.change ?? "", { role: field.value });
      field.dataset.value = field.value;
      status.textContent = "Saved.";
    } catch (error) {
      field.value = before;
      status.textContent = /** @type {Error} */ (error).message;
    }
  });
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-disable]"))) {
  button.addEventListener("click", async () => {
    try {
      await call("PATCH", button.dataset.disable ?? "", { disabled: button.dataset.value === "true" });
      location.reload();
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  });
}

/** @param {string} formId @param {string} boxId @param {(data: any) => string} secret */
function showOnce(formId, boxId, secret) {
  const box = document.getElementById(boxId);
  document.getElementById(formId)?.addEventListener("sent", (event) => {
    if (!box) return;
    /** @type {HTMLElement} */ (box.querySelector(".secret")).textContent = secret(/** @type {CustomEvent} */ (event).detail);
    box.hidden = false;
    box.focus();
  });
}
showOnce("token-form", "token-made", (data) => data.token);
showOnce("invite-form", "invite-made", (data) => data.url);
