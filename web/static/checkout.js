// @ts-check
/**
 * A checkout page may be another site, but only by https; plain http is for this machine.
 * @param {string} address
 */
export function safeCheckout(address) {
  const url = new URL(address, location.href);
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && (local || url.origin === location.origin)) ? url.href : null;
}
