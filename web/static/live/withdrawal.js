// @ts-check
/** Taking the consent back in a call: asked once more, then the server ends the call and destroys the recording. */
import { call } from "../api.js";
import { byId, control, say } from "./dom.js";

/** @param {string} sessionId */
export function withdrawal(sessionId) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("withdraw-dialog"));
  const problem = byId("withdraw-problem");
  byId("withdraw").addEventListener("click", () => {
    problem.hidden = true;
    dialog.showModal();
  });
  byId("withdraw-confirm").addEventListener("click", async () => {
    control("withdraw-confirm").disabled = true;
    try {
      await call("DELETE", `/api/interviews/${encodeURIComponent(sessionId)}/consent`);
      dialog.close();
    } catch (error) {
      say(problem, `That did not work: ${/** @type {Error} */ (error).message} Press End to stop the interview, then delete it in your history.`);
      problem.hidden = false;
    }
    control("withdraw-confirm").disabled = false;
  });
}
