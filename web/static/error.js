// @ts-check
/**
 * The copy button of an error page; it appears only where the browser lets a page write to the clipboard.
 */
const button = /** @type {HTMLElement} */ (document.getElementById("copy"));
const text = /** @type {HTMLElement} */ (document.getElementById("copy-text"));

button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  const details = `${button.dataset.copy}. Page ${location.pathname}. ${new Date().toISOString()}`;
  text.textContent = await navigator.clipboard.writeText(details).then(
    () => "Copied",
    () => "Please copy it by hand",
  );
});
