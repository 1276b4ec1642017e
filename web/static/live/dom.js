// @ts-check
/**
 * Small helpers on page elements, shared by the parts of the live page.
 */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export const byId = (id) => /** @type {T} */ (document.getElementById(id));

/** @type {(id: string) => HTMLInputElement} */
export const field = byId;
/** @type {(id: string) => HTMLButtonElement} */
export const control = byId;

/** Calls `act` with the detail of each event. @param {EventTarget} target @param {string} type @param {(detail: any) => void} act */
export const on = (target, type, act) => target.addEventListener(type, (event) => act(/** @type {CustomEvent} */ (event).detail));

/** Sets text only where it changed, so that live regions are not announced again. @param {HTMLElement} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} tag @param {string} text @param {string} [className] */
export function make(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** @param {number} seconds */
export function clockText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** Fills a list of microphones and keeps the choice. @param {HTMLSelectElement} select @param {MediaDeviceInfo[]} devices @param {string} chosen */
export function fillDevices(select, devices, chosen) {
  select.replaceChildren(
    ...devices.map((device, i) => new Option(device.label || `Microphone ${i + 1}`, device.deviceId, false, device.deviceId === chosen)),
  );
}
