// @ts-check
/** One review: taken on, left to another, handed in. */
import { call } from "../api.js";

const place = /** @type {HTMLElement} */ (document.getElementById("claim"));
const base = `/api/operator/reviews/${encodeURIComponent(place.dataset.session ?? "")}`;
const form = /** @type {HTMLFormElement} */ (document.getElementById("review-form"));
let typed = false;

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (place.querySelectorAll("[data-act]"))) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("POST", `${base}/${button.dataset.act}`, {});
      typed = false;
      location.reload();
    } catch (error) {
      /** @type {HTMLElement} */ (document.getElementById("claim-status")).textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  });
}

/** @param {string} text @param {HTMLElement} [field] */
function complain(text, field) {
  const box = /** @type {HTMLElement} */ (document.getElementById("review-problem"));
  /** @type {HTMLElement} */ (box.querySelector("p")).textContent = text;
  box.hidden = false;
  (field ?? box).focus();
}

form.addEventListener("input", () => (typed = true));
// What is typed here is kept nowhere until it is handed in.
addEventListener("beforeunload", (event) => typed && event.preventDefault());

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const scores = [];
  for (const fields of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-question]"))) {
    const score = /** @type {HTMLInputElement | null} */ (fields.querySelector("[name=score]"));
    const comment = /** @type {HTMLTextAreaElement} */ (fields.querySelector("[name=comment]"));
    score?.removeAttribute("aria-invalid");
    if (score && !score.checkValidity()) {
      score.setAttribute("aria-invalid", "true");
      return complain("Every answered question needs a whole number from 0 to 100.", score);
    }
    scores.push({ questionId: fields.dataset.question, score: score ? Number(score.value) : null, comment: comment.value });
  }
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button:not([type=button])"));
  button.disabled = true;
  try {
    await call("POST", base, { scores, comment: /** @type {HTMLTextAreaElement} */ (document.getElementById("comment-all")).value });
    typed = false;
    location.reload();
  } catch (error) {
    complain(/** @type {Error} */ (error).message);
    button.disabled = false;
  }
});
