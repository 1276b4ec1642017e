// @ts-check
/**
 * What the live page says when something is wrong: every failure in words, with what to do. No code here acts.
 */

/** @typedef {{title: string, text: string}} Said */

/** Why the microphone could not be opened, by the browser's own name. @type {Record<string, Said>} */
const MICROPHONE = {
  NotAllowedError: {
    title: "The browser did not allow the microphone",
    text: "Click the icon left of the address, set Microphone to Allow, then try again. On a computer, also check that the system lets this browser use it.",
  },
  NotFoundError: {
    title: "No microphone was found",
    text: "Plug one in or switch it on, then try again. You can also type your answers.",
  },
  NotReadableError: {
    title: "Another program is using the microphone",
    text: "Close other calls or recorders, then try again. If that does not help, unplug the microphone and plug it in again.",
  },
  OverconstrainedError: {
    title: "The chosen microphone is gone",
    text: "Choose another one from the list, then try again.",
  },
};

/** @param {unknown} error @returns {Said} */
export function microphoneProblem(error) {
  const name = error instanceof Error ? error.name : "";
  return MICROPHONE[name] ?? { title: "The microphone could not be opened", text: `The browser says: ${error instanceof Error ? error.message : String(error)}. Try again, or type your answers.` };
}

/** What this browser lacks for speaking, or null. @returns {Said | null} */
export function browserProblem() {
  if (!window.isSecureContext) {
    return {
      title: "Browsers give a microphone only to secure pages",
      text: "Open this page by https, or as http://localhost or http://127.0.0.1 on the machine the server runs on. Typing works as it is.",
    };
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    return { title: "This browser cannot use a microphone", text: "Try a current Firefox, Chrome, Edge or Safari, or type your answers." };
  }
  if (typeof AudioWorkletNode === "undefined") {
    return { title: "This browser is too old for live sound", text: "Update it, or try another one. You can also type your answers." };
  }
  return null;
}

/** Why an interview could not be started. @param {{status: number, code: string, message: string, retryAfter: number}} error @returns {Said} */
export function startProblem(error) {
  const wait = error.retryAfter ? ` Try again in about ${error.retryAfter} seconds.` : " Try again in a minute.";
  if (error.status === 503) return { title: "All places are taken just now", text: `The server holds as many interviews as it can.${wait} Nothing is lost.` };
  if (error.status === 402) return { title: "This interview is not paid for yet", text: error.message };
  if (error.status === 409) return { title: "This interview cannot be started", text: error.message };
  if (error.status === 429) return { title: "Too many tries in a short time", text: `The server asks for a pause.${wait}` };
  if (error.status === 0) return { title: "The server cannot be reached", text: "Check that it is running and that you are online, then try again." };
  return { title: "The interview could not be started", text: error.message };
}

/**
 * What a close of the socket means and what the page does: `retry` reconnects by itself, `restart` asks for a new token
 * first, `stop` waits for the candidate.
 * @type {Record<number, Said & {then: "done" | "retry" | "restart" | "stop", button?: string}>}
 */
export const CLOSES = {
  1000: { then: "done", title: "The interview is finished", text: "" },
  1008: { then: "stop", title: "The server closed the connection", text: "It did not accept something this page sent. What you said is saved.", button: "Reconnect" },
  1009: { then: "stop", title: "A message was too big", text: "Please send a shorter answer. What was confirmed before is saved.", button: "Reconnect" },
  1012: { then: "retry", title: "The server is restarting", text: "" },
  4401: { then: "restart", title: "The connection's ticket ran out", text: "" },
  4408: { then: "retry", title: "This connection was too slow", text: "" },
  4409: { then: "stop", title: "This interview is open in another tab", text: "Only one tab can hold the interview. Go on there, or bring it here.", button: "Continue here" },
  4503: { then: "stop", title: "The interviewer's service was lost", text: "It did not come back. What you said is saved.", button: "Try again" },
};

/** Why an interview ended, by the server's reason. @type {Record<string, string>} */
export const ENDINGS = {
  finished: "You went through all the questions. Well done.",
  ended_by_operator: "The person who runs this server ended the interview. What you said is saved.",
  ended_by_candidate: "You ended the interview. What you said is saved.",
  consent_withdrawn: "You took your consent back. The recording is being destroyed; what was written down stays until you delete the interview.",
  time: "The time is up. What you said is saved.",
  abandoned: "The interview was closed because nobody was here for a while. What you said is saved.",
  drained: "The server had to stop. What you said is saved.",
};

/** Steps of a report in the order they come, by its status; while one runs, the server's own words stand in its place. @type {[string, string][]} */
export const REPORT_STEPS = [
  ["saved", "Everything you said is saved"],
  ["queued", "Waiting for its turn"],
  ["running", "Comparing your answers with the key points"],
  ["ready", "Ready to read"],
];
