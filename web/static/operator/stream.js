// @ts-check
/**
 * One call's server-sent events, followed through restarts: the browser comes back with the last id by itself; where it gives up (an
 * error answer), or the page was hidden, a new stream goes on behind the last event that was shown. Every id is checked: none may be
 * missing and none may come twice.
 */
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];

export class Stream extends EventTarget {
  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    this.last = 0;
    this.tries = 0;
    this.over = false;
    /** @type {EventSource | null} */
    this.source = null;
    // A browser allows a few connections to one server: tabs in the background give theirs up and catch up later.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close("paused") : this.open()));
  }

  open() {
    if (this.over || this.source) return;
    const source = new EventSource(this.last ? `${this.url}?after=${this.last}` : this.url);
    this.source = source;
    source.onopen = () => {
      this.tries = 0;
      this.become("live");
    };
    source.onmessage = ({ data }) => this.take(JSON.parse(data));
    source.onerror = () => {
      if (this.over || source !== this.source) return;
      this.become("reconnecting");
      if (source.readyState !== EventSource.CLOSED) return;
      this.source = null;
      setTimeout(() => document.hidden || this.open(), BACK_OFF_MS[Math.min(this.tries++, BACK_OFF_MS.length - 1)]);
    };
  }

  /** @param {any} item */
  take(item) {
    if (item.seq !== null) {
      if (item.seq <= this.last) return this.emit("trouble", `Event ${item.seq} came twice.`);
      if (item.seq !== this.last + 1) this.emit("trouble", `Events ${this.last + 1} to ${item.seq - 1} did not come. Reload this page.`);
      this.last = item.seq;
    }
    this.emit("item", item);
    if (item.kind === "end") {
      this.over = true;
      this.close("over");
    }
  }

  /** @param {string} state */
  close(state) {
    this.source?.close();
    this.source = null;
    this.become(this.over ? "over" : state);
  }

  /** @param {string} state */
  become(state) {
    this.emit("state", state);
  }

  /** @param {string} type @param {unknown} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
