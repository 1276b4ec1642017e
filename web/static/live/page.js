// @ts-check
/**
 * The live page: which part is shown, what each button does, and what each message of the server changes.
 *
 * The parts know nothing of each other; this file joins them. Message names are the public contract's.
 */
import { call } from "../api.js";
import { safeCheckout } from "../checkout.js";
import { Sound, meterValue, microphones } from "./audio.js";
import { Captions, TypedAnswers } from "./captions.js";
import { byId, control, clockText, field, fillDevices, on, say } from "./dom.js";
import { Ending } from "./ending.js";
import { Preflight } from "./preflight.js";
import { BrowserRecognition } from "./recognition.js";
import { Session } from "./session.js";
import { withdrawal } from "./withdrawal.js";
import { microphoneProblem } from "./words.js";

const room = byId("interview");
const sessionId = room.dataset.session ?? "";
const CHOICES = `prepkit.choices.${sessionId}`;
const RESUMABLE = ["initiated", "in_progress", "interrupted"];
const ENDED = ["completed", "partial", "failed", "cancelled"];
const SLOW_METERS = matchMedia("(prefers-reduced-motion: reduce)").matches;

const sound = new Sound();
const captions = new Captions();
const ending = new Ending(sessionId);
const preflight = new Preflight(sound, begin);
withdrawal(sessionId);
/** @type {Session} */
let session;
/** @type {import("./preflight.js").Choices} */
let choices = { mode: "voice", recogniser: "server", readAloud: true };
/** @type {BrowserRecognition | null} */
let recognition = null;
/** A room that was never entered is not shown behind the reason why. */
let wasLive = false;
/** In study mode hints may be asked for. */
const study = room.dataset.study === "on";
let hints = 0;
const clock = { elapsed: 0, total: Number(room.dataset.minutes) * 60, at: 0 };

// Beginning -----------------------------------------------------------------------------------------------------------

/** @param {import("./preflight.js").Choices} chosen */
async function begin(chosen) {
  choices = chosen;
  sessionStorage.setItem(CHOICES, JSON.stringify(chosen));
  sound.speaker(choices.readAloud);
  await sound.open().catch(() => sound.speaker(false));
  if (RESUMABLE.includes(room.dataset.status ?? "")) await restoreCaptions();
  preflight.hide();
  byId("live").hidden = false;
  const typing = choices.mode === "typed";
  scrollTo(0, 0);
  // On a phone the box would bring up the keyboard over the question.
  byId(typing && matchMedia("(pointer: fine)").matches ? "typed-text" : "question").focus({ preventScroll: true });
  room.dataset.mode = choices.mode;
  byId("mute").hidden = typing;
  field("speaker-on").checked = choices.readAloud;
  say(byId("typed-label"), typing ? "Type your answer" : "Or type your answer");
  say(byId("candidate-state"), typing ? "Typing" : "Quiet");
  if (!typing) void listDevices();
  if (choices.recogniser === "browser" && !typing) useBrowserRecognition();
  session = new Session(sessionId, {
    windowSeconds: Number(room.dataset.window),
    consent: choices.consent ?? "",
    details: { mode: choices.mode, recogniser: typing ? "none" : choices.recogniser },
  });
  new TypedAnswers(session);
  on(session, "text", ({ status }) => status === "sending" && silenceOver());
  on(session, "state", state);
  on(session, "message", message);
  on(session, "audio", (pcm) => sound.play(pcm));
  on(session, "ended", ended);
  await session.open();
}

/** After a reload of a running interview: the same way in as before, without asking again. */
async function comeBack() {
  try {
    choices = { ...choices, ...JSON.parse(sessionStorage.getItem(CHOICES) ?? "{}") };
    if (choices.mode === "voice") await sound.openMicrophone(localStorage.getItem("prepkit.device") ?? "");
  } catch (error) {
    const { title, text } = microphoneProblem(error);
    say(byId("notice"), `${title}. ${text} You are here by typing meanwhile.`);
    choices = { ...choices, mode: "typed" };
  }
  await begin(choices);
}

async function restoreCaptions() {
  const { data } = await call("GET", `/api/interviews/${encodeURIComponent(sessionId)}`).catch(() => ({ data: null }));
  captions.restore(data?.transcript ?? []);
}

async function listDevices() {
  const devices = await microphones().catch(() => []);
  fillDevices(byId("live-device"), devices, sound.stream?.getAudioTracks()[0]?.getSettings().deviceId ?? "");
  byId("live-device-field").hidden = devices.length < 2;
}

function useBrowserRecognition() {
  recognition = new BrowserRecognition(
    room.dataset.language ?? "en",
    (text, final) => {
      session.send("browser-transcript", { text, final });
      captions.hear("candidate", text);
    },
    () => {
      sessionStorage.setItem(CHOICES, JSON.stringify({ ...choices, recogniser: "server" }));
      say(byId("notice"), "Your browser's speech recognition stopped. Type your answer, or reload this page to let the server listen.");
    },
  );
}

// What the connection does ---------------------------------------------------------------------------------------------

let unpaid = false;

/** Opens the checkout page; where nothing has to be paid any more, starts. */
async function pay() {
  try {
    const { data } = await call("POST", "/api/payments/create", { sessionId: session.id });
    const address = data.checkoutUrl ? safeCheckout(data.checkoutUrl) : null;
    if (address) location.assign(address);
    else if (data.checkoutUrl) say(byId("trouble-text"), "The checkout address does not look right, so this page will not open it.");
    else session.retry();
  } catch (error) {
    say(byId("trouble-text"), /** @type {import("../api.js").ApiError} */ (error).message);
  }
}

/** @param {import("./session.js").StateDetail} detail */
function state({ state: now, title, text, button, status }) {
  room.dataset.state = now;
  byId("connection").dataset.state = now;
  say(byId("connection-text"), now === "stopped" ? "Not connected" : text ? `${title}. ${text}` : title);
  for (const id of ["done", "next"]) control(id).disabled = now !== "live";
  if (study) control("hint").disabled = now !== "live" || !hints;
  byId("recording").hidden = now !== "live";
  const stopped = now === "stopped";
  if (stopped) {
    say(byId("trouble-title"), title);
    say(byId("trouble-text"), text);
    say(byId("trouble-button"), button ?? "Try again");
    byId("trouble-button").hidden = status === 409 || status === 404;
    unpaid = status === 402;
  }
  const freshly = stopped && byId("trouble").hidden;
  byId("trouble").hidden = !stopped;
  wasLive ||= now === "live";
  byId("live").hidden = now === "ended" || (stopped && !wasLive);
  if (freshly) byId("trouble").focus();
  if (now === "live") {
    clock.at = performance.now();
    if (choices.mode === "typed" || sound.muted) session.send("mute", { on: true });
    recognition?.start();
    void keepAwake();
  } else {
    clock.at = 0;
    sound.flush();
    captions.clear("candidate");
    captions.clear("interviewer");
    recognition?.stop();
    speaking("interviewer", false);
    speaking("candidate", false);
  }
}

async function keepAwake() {
  // A phone that locks its screen ends the microphone; refusing is the browser's right.
  await navigator.wakeLock?.request("screen").catch(() => null);
}

/** @param {import("./codec.js").RtviMessage} received */
function message({ type, data }) {
  if (type === "server-message") return serverMessage(data ?? {});
  if (type === "bot-started-speaking") speaking("interviewer", true);
  else if (type === "bot-stopped-speaking") speaking("interviewer", false);
  else if (type === "user-started-speaking") {
    speaking("candidate", true);
    silenceOver();
  }
  else if (type === "user-stopped-speaking") speaking("candidate", false);
  else if (type === "user-transcription" && choices.recogniser === "server") captions.hear("candidate", data?.text ?? "");
  else if (type === "bot-transcription" || type === "bot-output") botText(type, data);
  else if (type === "bot-interrupted") sound.flush();
}

let botTextFrom = "";
/** A server sends the interviewer's words under one of two names; the first one seen is followed. @param {string} type @param {any} data */
function botText(type, data) {
  botTextFrom ||= type;
  const late = data?.spoken === true && byId("speaker-interviewer").dataset.speaking !== "true";
  if (type === botTextFrom && !late && typeof data?.text === "string") captions.hear("interviewer", data.text, true);
}

/** @param {any} data */
function serverMessage(data) {
  switch (data.type) {
    case "audio":
      return sound.setRate(Number(data.sampleRate));
    case "flush-audio":
      return sound.flush();
    case "question":
      say(byId("progress"), `Question ${data.n} of ${data.of}`);
      say(byId("question-label"), data.followUp ? `Follow-up to question ${data.n}` : `Question ${data.n}`);
      say(byId("question"), data.text);
      Object.assign(byId("progress-bar"), { max: data.of, value: data.n });
      hintsLeft(Number(data.hintsLeft ?? 0));
      if (study && !data.followUp) byId("hints").hidden = true;
      return notice("");
    case "hint":
      return hint(data);
    case "clock":
      Object.assign(clock, { elapsed: Number(data.elapsed), total: Number(data.total), at: performance.now() });
      return tick();
    case "turn":
      return captions.turn(data);
    case "voices":
      return say(byId("voices"), `You hear: ${data.voice}. Your words are recognised by: ${data.recogniser}.`);
    case "notice":
      return notice(String(data.message ?? ""), String(data.code ?? ""));
    case "report-status":
      return ending.status(data);
    default:
      return undefined;
  }
}

/** What the server has to say; the code of a notice gives it its looks. @param {string} text @param {string} [code] */
function notice(text, code = "") {
  byId("notice").dataset.code = code;
  say(byId("notice"), text);
}

/** How many hints may still be asked for. @param {number} left */
function hintsLeft(left) {
  if (!study) return;
  hints = left;
  say(byId("hint-text"), left ? `Hint (${left} left)` : "No hints left");
  control("hint").disabled = !left || session.state !== "live";
}

/** A hint: the captions have its words for whoever listens to the page. @param {{n: number, of: number, text: string}} given */
function hint({ n, of, text }) {
  if (!study) return;
  byId("hints").hidden = false;
  say(byId("hints-label"), `Hint ${n} of ${of}`);
  say(byId("hints-text"), text);
  hintsLeft(of - n);
}

/** The silence that was held is over. */
function silenceOver() {
  if (byId("notice").dataset.code === "take_your_time") notice("");
}

/** @param {any} detail */
async function ended(detail) {
  recognition?.stop();
  sessionStorage.removeItem(CHOICES);
  sound.closeMicrophone();
  ending.show(detail);
  await sound.close();
}

// What is seen ---------------------------------------------------------------------------------------------------------

/** @param {"interviewer" | "candidate"} who @param {boolean} on */
function speaking(who, on) {
  byId(`speaker-${who}`).dataset.speaking = String(on);
  if (who === "interviewer") {
    say(byId("interviewer-state"), on ? "Speaking" : "Listening");
    if (!on) captions.clear("interviewer");
    recognition?.pause(on);
  } else if (choices.mode === "voice") {
    say(byId("candidate-state"), sound.muted ? "Muted" : on ? "Speaking" : "Quiet");
  }
}

function tick() {
  const since = clock.at ? (performance.now() - clock.at) / 1000 : 0;
  say(byId("clock"), clockText(Math.floor(clock.elapsed + Math.min(since, 5))));
  say(byId("total"), clockText(clock.total));
}

const meterTimes = /** @type {Record<string, number>} */ ({});
/** @param {string} id @param {number} rms */
function meter(id, rms) {
  const now = performance.now();
  if (now - (meterTimes[id] ?? 0) < (SLOW_METERS ? 500 : 80)) return;
  meterTimes[id] = now;
  /** @type {HTMLMeterElement} */ (byId(id)).value = meterValue(rms);
}

// What the candidate does ----------------------------------------------------------------------------------------------

function toggleMute() {
  if (choices.mode === "typed") return;
  sound.mute(!sound.muted);
  byId("mute").setAttribute("aria-pressed", String(sound.muted));
  say(byId("mute-text"), sound.muted ? "Unmute" : "Mute");
  speaking("candidate", false);
  session.send("mute", { on: sound.muted });
}

const dialog = /** @type {HTMLDialogElement} */ (byId("end-dialog"));
const actions = /** @type {Record<string, () => void>} */ ({
  d: () => session.send("done"),
  n: () => session.send("next"),
  ...(study ? { h: () => void (hints && session.send("hint")) } : {}),
  m: toggleMute,
  e: () => (session.goodbye ? session.end() : dialog.showModal()),
});

byId("done").addEventListener("click", actions.d);
byId("next").addEventListener("click", actions.n);
if (study) byId("hint").addEventListener("click", actions.h);
byId("mute").addEventListener("click", actions.m);
byId("end").addEventListener("click", actions.e);
dialog.addEventListener("close", () => {
  if (dialog.returnValue !== "end") return;
  session.end();
  say(byId("notice"), "The interviewer says goodbye. Press Leave now if you do not want to wait.");
  say(byId("end-text"), "Leave now");
});
byId("trouble-button").addEventListener("click", () => (unpaid ? void pay() : session.retry()));
byId("wake").addEventListener("click", () => void sound.wake());
byId("speaker-on").addEventListener("change", () => sound.speaker(field("speaker-on").checked));
byId("live-device").addEventListener("change", async () => {
  await sound.openMicrophone(field("live-device").value).catch((error) => say(byId("notice"), microphoneProblem(error).title));
});
document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.matches("input:not([type=checkbox]), textarea, select") || dialog.open;
  const wanted = field("keys-on").checked && !byId("live").hidden;
  if (typing || !wanted || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const action = actions[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});

on(sound, "pcm", ({ pcm, rms }) => {
  session?.sendAudio(pcm);
  meter("candidate-level", rms);
});
on(sound, "heard", ({ rms }) => meter("interviewer-level", rms));
on(sound, "suspended", (suspended) => {
  byId("wake-field").hidden = !suspended || room.dataset.state === "ended";
});
on(sound, "mic-lost", async () => {
  say(byId("notice"), "The microphone was unplugged. Trying another one…");
  await sound.openMicrophone().then(
    () => say(byId("notice"), "The microphone was unplugged; now another one is used."),
    () => say(byId("notice"), "The microphone is gone. Plug one in and choose it under Sound and keys, or type your answers."),
  );
  void listDevices();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && session?.state === "live") void keepAwake();
});
setInterval(tick, 500);

const status = room.dataset.status ?? "";
if (ENDED.includes(status)) ending.show({});
else if (RESUMABLE.includes(status) && sessionStorage.getItem(CHOICES)) void comeBack();
else preflight.show();
