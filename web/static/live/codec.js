// @ts-check
/**
 * The wire `prepkit.pcm.v1`: a binary message is PCM16 little-endian mono at 16 kHz, a text message is one RTVI JSON message.
 * Pure: nothing here opens a socket. Names are fixed by the public contract.
 */

export const SUBPROTOCOL = "prepkit.pcm.v1";
export const WIRE_RATE = 16000;
/** Microphone audio above this waits in the socket for longer than a second: newer speech is worth more. */
export const MAX_BACKLOG_BYTES = WIRE_RATE * 2;
const LABEL = "rtvi-ai";
const RTVI_VERSION = "2.2.0";

/** @typedef {{label: string, type: string, id?: string, data?: any}} RtviMessage */

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

/**
 * @param {string} type
 * @param {unknown} data
 * @param {string} [id]
 */
export function encode(type, data, id = newId()) {
  return JSON.stringify({ label: LABEL, type, id, data });
}

/**
 * The first message of a connection. `details` says how the candidate takes part; the server may ignore it.
 * @param {Record<string, unknown>} details
 */
export function clientReady(details) {
  return encode("client-ready", { version: RTVI_VERSION, about: { library: "prepkit-page", platform_details: details } });
}

/**
 * One of our verbs: done, next, end, mute, text, browser-transcript.
 * @param {string} t
 * @param {Record<string, unknown>} [d]
 * @param {string} [id]
 */
export function clientMessage(t, d = {}, id = newId()) {
  return encode("client-message", { t, d }, id);
}

/**
 * @param {string} text
 * @returns {RtviMessage | null} null for anything that is not an RTVI message
 */
export function decode(text) {
  try {
    const message = JSON.parse(text);
    return message && message.label === LABEL && typeof message.type === "string" ? message : null;
  } catch {
    return null;
  }
}

/**
 * Samples of a binary message; an odd last byte is dropped. Typed arrays are little-endian on every platform with a browser.
 * @param {ArrayBuffer} buffer
 */
export function toFloat(buffer) {
  const pcm = new Int16Array(buffer, 0, buffer.byteLength >> 1);
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) samples[i] = pcm[i] / 32768;
  return samples;
}
