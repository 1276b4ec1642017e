// @ts-check
/** A new voucher's code, shown this once. */
const form = document.getElementById("voucher-form");
form?.addEventListener("sent", (event) => {
  const { code, uses } = /** @type {CustomEvent} */ (event).detail;
  const place = /** @type {HTMLElement} */ (document.getElementById("voucher-made"));
  place.textContent = `The code is ${code}, for ${uses} ${uses === 1 ? "person" : "people"}. Copy it now: it is not shown again.`;
  place.hidden = false;
});
