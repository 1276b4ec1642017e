// @ts-check
/**
 * The box for typed answers: Enter sends, Shift+Enter makes a new line, and each answer is shown until the server has stored it.
 */
import { byId, make, say } from "./dom.js";

const WORDS = { sending: "Sending…", waiting: "Waits for the connection, then it is sent", stored: "Stored.", failed: "Not accepted. Please send it again." };

export class TypedAnswers {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.box = /** @type {HTMLTextAreaElement} */ (byId("typed-text"));
    this.list = byId("pending");
    /** @type {Map<string, HTMLElement>} */
    this.pending = new Map();
    this.draftKey = `prepkit.typed.${session.id}`;
    this.box.value = sessionStorage.getItem(this.draftKey) ?? "";
    this.box.addEventListener("input", () => sessionStorage.setItem(this.draftKey, this.box.value));
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    byId("typed").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    session.addEventListener("text", (event) => this.show(/** @type {CustomEvent} */ (event).detail));
  }

  submit() {
    const text = this.box.value.trim();
    if (!text) return;
    this.box.value = "";
    sessionStorage.removeItem(this.draftKey);
    this.session.sendText(text);
    this.box.focus();
  }

  /** @param {import("./session.js").TypedAnswer} answer */
  show({ id, text, status }) {
    let line = this.pending.get(id);
    if (status === "stored") {
      line?.remove();
      this.pending.delete(id);
    } else {
      if (!line) {
        line = document.createElement("li");
        line.append(make("span", text, "pending-text"), make("span", "", "muted"));
        this.pending.set(id, line);
        this.list.append(line);
      }
      /** @type {HTMLElement} */ (line.lastElementChild).textContent = WORDS[status];
      line.dataset.status = status;
    }
    if (status === "failed" && !this.box.value) this.box.value = text;
    this.list.hidden = this.pending.size === 0;
    say(byId("typed-status"), WORDS[status]);
  }
}
