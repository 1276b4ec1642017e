// @ts-check
/** Plans and billing: a button opens the provider's page. What it costs is never sent from here. */
import { ApiError, call } from "./api.js";
import { safeCheckout } from "./checkout.js";

const problem = /** @type {HTMLElement} */ (document.getElementById("problem"));
const problemText = /** @type {HTMLElement} */ (document.getElementById("problem-text"));

/** @param {HTMLButtonElement} button @param {string} path @param {unknown} body @param {"checkoutUrl" | "url"} field */
async function open(button, path, body, field) {
  problem.hidden = true;
  button.disabled = true;
  try {
    const { data } = await call("POST", path, body);
    const address = data[field] ? safeCheckout(data[field]) : null;
    if (!address) throw new ApiError(0, "checkout", "The checkout address does not look right, so this page will not open it.");
    location.assign(address);
  } catch (error) {
    problemText.textContent = /** @type {ApiError} */ (error).message;
    problem.hidden = false;
    problem.focus();
    button.disabled = false;
  }
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-plan]"))) {
  button.addEventListener("click", () => void open(button, "/api/payments/create", { plan: button.dataset.plan }, "checkoutUrl"));
}
const portal = /** @type {HTMLButtonElement | null} */ (document.getElementById("portal"));
portal?.addEventListener("click", () => void open(portal, "/api/payments/portal", {}, "url"));
addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; }));
