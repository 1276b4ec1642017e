// @ts-check
/** Buttons that ask the server for one thing: `data-post`, `data-body`, `data-done`. */
import { call } from "../api.js";

const status = /** @type {HTMLElement} */ (document.getElementById("desk-status"));
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-post]"))) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("POST", button.dataset.post ?? "", JSON.parse(button.dataset.body ?? "{}"));
      status.textContent = button.dataset.done ?? "";
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  });
}
