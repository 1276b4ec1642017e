// @ts-check
/**
 * After an interview: rating it, and seeing what operators did with it. Everything comes from the API; without this file nothing is shown.
 */
import { call } from "./api.js";

const section = /** @type {HTMLElement | null} */ (document.getElementById("after"));

/** @param {HTMLElement} place */
async function begin(place) {
  const base = `/api/interviews/${encodeURIComponent(place.dataset.session ?? "")}`;
  const form = /** @type {HTMLFormElement} */ (document.getElementById("rating-form"));
  const status = /** @type {HTMLElement} */ (document.getElementById("rating-status"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    try {
      await call("POST", `${base}/feedback`, { rating: Number(given.get("rating")), comment: String(given.get("comment")) });
      status.textContent = "Thank you. You can change it at any time.";
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  });
  place.hidden = false;
  try {
    const [{ data: rated }, { data: seen }] = await Promise.all([call("GET", `${base}/feedback`), call("GET", `${base}/visits`)]);
    if (rated.feedback) {
      /** @type {RadioNodeList} */ (form.elements.namedItem("rating")).value = String(rated.feedback.rating);
      /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("comment")).value = rated.feedback.comment;
      status.textContent = "You have rated it; you can change it.";
    }
    visits(seen.visits);
  } catch {
    status.textContent = "";
  }
}

/** @param {{at: string, who: string, words: string}[]} list */
function visits(list) {
  const place = /** @type {HTMLDetailsElement} */ (document.getElementById("visits"));
  place.hidden = !list.length;
  /** @type {HTMLElement} */ (place.querySelector("summary")).textContent = `What whoever runs this server did with this interview (${list.length})`;
  /** @type {HTMLElement} */ (place.querySelector("ul")).replaceChildren(
    ...list.map(({ at, who, words }) => {
      const line = document.createElement("li");
      line.textContent = `${new Date(at).toLocaleString()}: ${words} (${who})`;
      return line;
    }),
  );
}

/** The ending of a live interview shows the section once it is over. */
export const afterInterview = () => (section && section.hidden ? begin(section) : undefined);
if (section && !section.closest("[hidden]:not(#after)")) void begin(section);
