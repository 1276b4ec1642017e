// @ts-check
/**
 * The recording on the report page: plays from any time, quote or sentence, marks what is being heard, and moves the head of the time line.
 * Without this file a sentence is a link into the recording itself.
 */

/** @param {HTMLAudioElement} audio */
export function playback(audio) {
  const problem = document.getElementById("player-problem");
  const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".line[data-start]")]);
  const sentences = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".sentence[data-t]")]);
  const mark = marker(lines, "start");
  const markSentence = marker(sentences, "t");
  const line = timeLine(audio, () => lines.find((one) => one.hasAttribute("aria-current")));

  /** @param {number} at seconds */
  const play = (at) => {
    audio.currentTime = at;
    audio.play().catch(() => {
      if (problem) problem.textContent = "The recording cannot be played.";
    });
  };
  const heard = () => {
    const begun = audio.currentTime > 0 || !audio.paused;
    mark(begun ? audio.currentTime : -1);
    markSentence(begun ? audio.currentTime : -1);
    line();
  };

  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".play[data-t]"))) {
    button.disabled = false;
    button.addEventListener("click", () => play(Number(button.dataset.t)));
  }
  oneTabStop(sentences, (sentence) => play(Number(sentence.dataset.t)));
  for (const event of ["timeupdate", "seeked", "play"]) audio.addEventListener(event, heard);
  audio.addEventListener("error", () => {
    if (problem) problem.textContent = "The recording cannot be loaded. It may have been deleted; everything else on this page stays.";
  });
}

/**
 * Sets `aria-current` on the last element that begins before a time, and on no other.
 * @param {HTMLElement[]} elements in order of time
 * @param {string} field data field with the seconds
 */
function marker(elements, field) {
  const starts = elements.map((element) => Number(element.dataset[field]));
  /** @type {HTMLElement | undefined} */
  let current;
  /** @param {number} at seconds; negative for none */
  return (at) => {
    let n = starts.length - 1;
    while (n >= 0 && starts[n] > at + 0.05) n -= 1;
    if (elements[n] === current) return;
    current?.removeAttribute("aria-current");
    current = elements[n];
    current?.setAttribute("aria-current", "true");
  };
}

/**
 * All sentences together are one stop of the Tab key; arrow keys go from one to the next.
 * @param {HTMLElement[]} sentences
 * @param {(sentence: HTMLElement) => void} choose
 */
function oneTabStop(sentences, choose) {
  sentences.forEach((sentence, n) => {
    sentence.tabIndex = n ? -1 : 0;
    sentence.addEventListener("click", (event) => {
      event.preventDefault();
      choose(sentence);
      stop(n);
    });
    sentence.addEventListener("keydown", (event) => {
      const to = { ArrowDown: n + 1, ArrowRight: n + 1, ArrowUp: n - 1, ArrowLeft: n - 1, Home: 0, End: sentences.length - 1 }[event.key];
      if (to === undefined || !sentences[to]) return;
      event.preventDefault();
      stop(to);
      sentences[to].focus();
    });
  });
  /** @param {number} n */
  const stop = (n) => sentences.forEach((sentence, other) => (sentence.tabIndex = other === n ? 0 : -1));
}

/**
 * The drawn line: a click goes there, the slider does the same for keyboards and says where it is.
 * @param {HTMLAudioElement} audio
 * @param {() => HTMLElement | undefined} current the line being heard
 */
function timeLine(audio, current) {
  const seek = document.getElementById("seek");
  const track = /** @type {HTMLElement | null} */ (document.querySelector(".track[data-total]"));
  const head = /** @type {HTMLElement | null} */ (track?.querySelector(".track-head") ?? null);
  if (!(seek instanceof HTMLInputElement) || !track || !head) return () => {};
  const total = Number(track.dataset.total) || 1;
  seek.disabled = false;
  head.hidden = false;
  seek.addEventListener("input", () => (audio.currentTime = Number(seek.value)));
  track.querySelector(".track-line")?.addEventListener("click", (event) => {
    const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
    audio.currentTime = (total * (/** @type {MouseEvent} */ (event).clientX - box.left)) / box.width;
  });
  return () => {
    const at = audio.currentTime;
    head.style.left = `${Math.min(100, (100 * at) / total)}%`;
    seek.value = String(at);
    const who = current()?.querySelector("strong")?.textContent;
    seek.setAttribute("aria-valuetext", `${clock(at)} of ${clock(total)}${who ? `, ${who}` : ""}`);
  };
}

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
