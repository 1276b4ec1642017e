// @ts-check
/** "Ask for a review": puts the interview into the reviewers' queue and shows it there. */
import { call } from "./api.js";

const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("review-ask"));
button?.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await call("POST", `/api/interviews/${encodeURIComponent(button.dataset.session ?? "")}/review`, {});
    location.reload();
  } catch (error) {
    /** @type {HTMLElement} */ (document.getElementById("review-status")).textContent = /** @type {Error} */ (error).message;
    button.disabled = false;
  }
});
