// @ts-check
/**
 * The dialog that gives links to a report away, shows a new one once, and takes links back.
 */
import { call } from "./api.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const at = (id) => /** @type {T} */ (document.getElementById(id));
const dialog = /** @type {HTMLDialogElement} */ (at("share-dialog"));
const address = `/api/interviews/${encodeURIComponent(dialog.dataset.session ?? "")}/share`;
const opener = at("share-open");
const problem = at("share-problem");
const made = at("share-made");
const list = at("share-list");
const words = /** @type {HTMLInputElement} */ (at("share-transcript"));
const sound = /** @type {HTMLInputElement} */ (at("share-audio"));

/** @param {string} text */
function say(text) {
  at("share-status").textContent = text;
}

/** @param {unknown} error */
function fail(error) {
  problem.textContent = /** @type {Error} */ (error).message;
  problem.hidden = false;
}

/** @param {{id: string, expiresAt: string, hideName: boolean, hideTranscript: boolean, hideAudio: boolean}} link */
function row(link) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  const hidden = [link.hideName && "name", link.hideTranscript && "words", link.hideAudio && "recording"].filter(Boolean);
  const until = new Date(link.expiresAt).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  text.textContent = `Until ${until}${hidden.length ? `, without ${hidden.join(", ")}` : ""}`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small button-danger";
  button.textContent = "Take back";
  button.setAttribute("aria-label", `Take back the link ${text.textContent.toLowerCase()}`);
  button.addEventListener("click", async () => {
    try {
      await call("DELETE", `${address}/${encodeURIComponent(link.id)}`);
    } catch (error) {
      fail(error);
      return;
    }
    made.hidden = true;
    say("The link does not work any more.");
    await fill();
    at("share-close").focus();
  });
  item.append(text, button);
  return item;
}

async function fill() {
  try {
    const { data } = await call("GET", address);
    const working = data.links.filter((/** @type {{works: boolean}} */ link) => link.works);
    list.replaceChildren(...working.map(row));
    at("share-list-title").hidden = working.length === 0;
  } catch (error) {
    fail(error);
  }
}

opener.hidden = false;
opener.addEventListener("click", () => {
  problem.hidden = made.hidden = true;
  dialog.showModal();
  fill();
});
at("share-close").addEventListener("click", () => dialog.close());
words.addEventListener("change", () => {
  sound.checked = sound.checked || words.checked;
  sound.disabled = words.checked;
});
at("share-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    const { data } = await call("POST", address, {
      expiresInDays: Number(/** @type {HTMLSelectElement} */ (at("share-days")).value),
      hideName: /** @type {HTMLInputElement} */ (at("share-name")).checked,
      hideTranscript: words.checked,
      hideAudio: sound.checked,
    });
    const url = /** @type {HTMLInputElement} */ (at("share-url"));
    url.value = data.url;
    made.hidden = false;
    at("share-copied").textContent = "";
    url.focus();
    url.select();
    say("The link is made.");
    await fill();
  } catch (error) {
    fail(error);
  }
});
at("share-copy").addEventListener("click", async () => {
  const url = /** @type {HTMLInputElement} */ (at("share-url"));
  try {
    await navigator.clipboard.writeText(url.value);
    at("share-copied").textContent = "Copied.";
  } catch {
    url.select();
    at("share-copied").textContent = "Press Ctrl+C to copy.";
  }
});
