// @ts-check
/** @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} children */
export function build(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Who hears and speaks, in words. */
export const ENGINES = /** @type {Record<string, string>} */ ({ local: "This server", gemini: "Gemini Live", vapi: "Vapi" });

/** A code in words: `ended_by_operator` → `ended by operator`. @param {string} code */
export const inWords = (code) => code.replaceAll("_", " ");

/** Minutes and seconds. @param {number} ms */
export const clock = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

/** @param {number | null | undefined} ms */
export const inSeconds = (ms) => (ms === null || ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`);
