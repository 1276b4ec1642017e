// @ts-check
/**
 * "Answer this again" on a question of the report: makes an interview of that question alone and goes there.
 */
import { call } from "./api.js";

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-again]"))) {
  button.addEventListener("click", async () => {
    const { session = "", again = "" } = button.dataset;
    const status = /** @type {HTMLElement} */ (button.parentElement?.querySelector("[role=status]"));
    button.disabled = true;
    try {
      const { data } = await call("POST", `/api/interviews/${encodeURIComponent(session)}/questions/${again}/again`);
      location.assign(`/interviews/${encodeURIComponent(data.sessionId)}`);
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  });
}
addEventListener("pageshow", () => {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-again]"))) button.disabled = false;
});
