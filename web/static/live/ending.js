// @ts-check
/**
 * The wait for the report: named steps, fed by `report-status` over the socket and afterwards by asking, then on to the report.
 */
import { afterInterview } from "../after.js";
import { ApiError, call } from "../api.js";
import { byId, make, say } from "./dom.js";
import { ENDINGS, REPORT_STEPS } from "./words.js";

const ASK_MS = 1500;
const SLOW_ASK_MS = 5000;
const PATIENT_ASKS = 20;

export class Ending {
  /** @param {string} sessionId */
  constructor(sessionId) {
    this.id = sessionId;
    this.link = /** @type {HTMLAnchorElement} */ (byId("report-link"));
    this.shown = false;
    this.over = false;
  }

  /** @param {{reason?: string, reportUrl?: string}} detail */
  show({ reason = "", reportUrl }) {
    if (this.shown) return;
    this.shown = true;
    if (reportUrl) {
      const url = new URL(reportUrl, location.href);
      if (url.origin === location.origin) this.link.href = url.pathname;
    }
    say(byId("ending-reason"), ENDINGS[reason] ?? "The interview is finished. What you said is saved.");
    void afterInterview();
    if (!this.over) this.step("queued");
    for (const id of ["preflight", "live", "trouble"]) byId(id).hidden = true;
    byId("ending").hidden = false;
    byId("ending-title").focus();
    void this.ask();
  }

  /** @param {{status: string, step?: string}} detail */
  status({ status, step }) {
    if (this.over) return;
    if (status === "ready") this.ready();
    else if (status === "failed") this.none("The report could not be written this time", "Your answers are saved. The server tries again by itself; look into your history later.");
    else if (status === "none") this.none("There is no report for this interview", "Nothing was answered, so there is nothing to report. That happens; try another one when you like.");
    else this.step(status, step);
  }

  /** @param {string} status @param {string} [words] a sentence about what is being done; a bare name is not shown */
  step(status, words = "") {
    const at = Math.max(1, REPORT_STEPS.findIndex(([name]) => name === status));
    byId("report-steps").replaceChildren(
      ...REPORT_STEPS.map(([, text], i) => {
        const row = make("li", i === at && words.includes(" ") ? words : text);
        row.dataset.state = i === at ? "current" : i < at ? "done" : "waiting";
        if (i === at) row.setAttribute("aria-current", "step");
        return row;
      }),
    );
  }

  async ask() {
    for (let i = 0; !this.over; i++) {
      let wait = i < PATIENT_ASKS ? ASK_MS : SLOW_ASK_MS;
      try {
        const { status, data } = await call("GET", `/api/interviews/${encodeURIComponent(this.id)}/report`);
        if (status === 200) return this.ready();
        this.status({ status: data?.reportStatus ?? "queued", step: data?.step });
      } catch (error) {
        const problem = /** @type {ApiError} */ (error);
        if (problem.status === 409) return this.status({ status: "none" });
        if (problem.status === 404) return this.none("This report is not here", problem.message);
        wait = Math.max(SLOW_ASK_MS, problem.retryAfter * 1000);
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  ready() {
    if (this.over) return;
    this.over = true;
    this.step("ready");
    say(byId("ending-title"), "Your report is ready");
    say(byId("report-status"), "Opening it…");
    location.assign(this.link.href);
  }

  /** @param {string} title @param {string} text */
  none(title, text) {
    this.over = true;
    byId("report-steps").replaceChildren();
    say(byId("ending-title"), title);
    say(byId("report-status"), text);
    this.link.hidden = true;
  }
}
