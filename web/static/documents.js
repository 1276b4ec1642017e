// @ts-check
/**
 * The candidate's documents on the set-up page: pasted, or read from a PDF by the server. They outlive a reload of this tab, and nothing more:
 * unlike the other choices they are not kept in the browser. The fields are there only where a model can use them.
 */
import { ApiError, call } from "./api.js";

const KEPT = "prepkit.setup.documents";
const MAX_BYTES = 2 * 1024 * 1024;
const NAMES = { cv: "CV", jobDescription: "job description" };

/** @param {string} name */
const field = (name) => /** @type {HTMLTextAreaElement | null} */ (document.getElementById(name));

/** What the set-up is sent with: nothing where there are no such fields. */
export function documents() {
  return Object.fromEntries(Object.keys(NAMES).flatMap((name) => (field(name) ? [[name, field(name)?.value.trim()]] : [])));
}

/** For the review: which of them are given. */
export function documentNames() {
  const given = documents();
  return Object.entries(NAMES).filter(([name]) => given[name]).map(([, title]) => title).join(", ");
}

export function forgetDocuments() {
  sessionStorage.removeItem(KEPT);
  for (const name of Object.keys(NAMES)) {
    const status = document.getElementById(`${name}-status`);
    if (status) status.textContent = "";
  }
}

/** Brings back what this tab had, and reads the PDFs that are chosen. */
export function startDocuments() {
  try {
    for (const [name, text] of Object.entries(JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"))) {
      const area = field(name);
      if (area && typeof text === "string") area.value = text;
    }
  } catch {
    sessionStorage.removeItem(KEPT);
  }
  for (const name of Object.keys(NAMES)) {
    field(name)?.addEventListener("input", () => sessionStorage.setItem(KEPT, JSON.stringify(documents())));
    const chooser = /** @type {HTMLInputElement | null} */ (document.getElementById(`${name}-file`));
    chooser?.addEventListener("change", () => void read(name, chooser));
  }
}

/** @param {string} name @param {HTMLInputElement} chooser */
async function read(name, chooser) {
  const file = chooser.files?.[0];
  const area = field(name);
  const status = document.getElementById(`${name}-status`);
  if (!file || !area || !status) return;
  chooser.disabled = true;
  status.textContent = "Reading the PDF…";
  try {
    if (file.size > MAX_BYTES) throw new ApiError(0, "too_large", "A PDF may have 2 MB at most. Paste its text instead.");
    const form = new FormData();
    form.append("file", file);
    const { data } = await call("POST", "/api/interviews/documents", form);
    area.value = data.text;
    const pages = data.pages === 1 ? "1 page" : `${data.pages} pages`;
    status.textContent = `${data.truncated ? "The beginning" : "The text"} of ${pages} is in the box. Read it, and take out what should stay with you.`;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  } catch (error) {
    status.textContent = /** @type {ApiError} */ (error).message;
  } finally {
    chooser.disabled = false;
    chooser.value = "";
  }
}
