// @ts-check
/** The page after a checkout: looks again by itself until the provider has said how it ended, for ten minutes. */
import { call } from "./api.js";

const place = /** @type {HTMLElement} */ (document.getElementById("payment"));
const waiting = /** @type {HTMLElement} */ (document.getElementById("waiting"));
const until = Date.now() + 10 * 60_000;
let pause = 2000;

async function look() {
  try {
    const { data } = await call("GET", `/api/payments/${encodeURIComponent(place.dataset.payment ?? "")}`);
    if (data.status !== "pending") return location.reload();
    waiting.textContent = "Still waiting. This page looks again by itself.";
  } catch {
    waiting.textContent = "The server cannot be reached just now. Your payment is safe; this page tries again by itself.";
  }
  pause = Math.min(pause * 1.3, 15_000);
  if (Date.now() < until) setTimeout(look, pause);
  else waiting.textContent = "Nothing has arrived yet. Reload this page later, or look under Billing.";
}

if (place.dataset.status === "pending") setTimeout(look, pause);
