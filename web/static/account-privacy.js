// @ts-check
/** The account page's part about one's data: have an archive made, allow training, delete everything after the word was typed. */
import { call } from "./api.js";

const LOOK_MS = 2000;
/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {unknown} error */
const words = (error) => /** @type {Error} */ (error).message;

// Archive
const order = /** @type {HTMLButtonElement} */ (byId("export-order"));

/** Looks until the archive is ready; then the list is drawn anew. @param {string} id */
async function follow(id) {
  order.disabled = true;
  byId("export-status").textContent = "Your archive is being made. This may take some minutes; you can leave the page.";
  for (;;) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const { data } = await call("GET", `/api/me/export/${encodeURIComponent(id)}`).catch(() => ({ data: { status: "waiting" } }));
    if (data.status !== "waiting") break;
  }
  location.hash = "your-data";
  location.reload();
}

order.addEventListener("click", async () => {
  try {
    const { data } = await call("POST", "/api/me/export", {});
    await follow(data.exportId);
  } catch (error) {
    byId("export-status").textContent = words(error);
  }
});
const waiting = /** @type {HTMLElement | null} */ (document.querySelector("[data-export][data-status=waiting]"));
if (waiting) void follow(waiting.dataset.export ?? "");

// Training
const training = /** @type {HTMLInputElement} */ (byId("training"));
training.addEventListener("change", async () => {
  try {
    await call("POST", "/api/me/privacy", { training: training.checked });
    byId("training-status").textContent = training.checked ? "Saved: allowed from the next interview on." : "Saved: not allowed.";
  } catch (error) {
    training.checked = !training.checked;
    byId("training-status").textContent = words(error);
  }
});

// Delete everything
const dialog = /** @type {HTMLDialogElement} */ (byId("erase-dialog"));
const word = /** @type {HTMLInputElement} */ (byId("erase-word"));
const problem = byId("erase-problem");

/** @param {string} text */
function complain(text) {
  problem.textContent = text;
  problem.hidden = !text;
  word.toggleAttribute("aria-invalid", Boolean(text));
}

byId("erase-open").addEventListener("click", () => {
  word.value = "";
  complain("");
  dialog.showModal();
  word.focus();
});
byId("erase-cancel").addEventListener("click", () => dialog.close());
byId("erase-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (word.value.trim().toLowerCase() !== "delete") return complain("Type the word delete. Nothing was deleted.");
  const button = /** @type {HTMLButtonElement} */ (byId("erase-confirm"));
  button.disabled = true;
  try {
    const { data } = await call("DELETE", "/api/me", { confirm: true });
    sessionStorage.clear();
    localStorage.clear();
    location.assign(data.receipt.url);
  } catch (error) {
    complain(words(error));
    button.disabled = false;
  }
});
