// What the pages of `coach web` do beyond links and forms. Text from elsewhere only ever becomes textContent.

const byId = (id) => document.getElementById(id);
const send = (method, url, data, more = {}) =>
  fetch(url, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(data), ...more });

// Each start of the coach has a path of its own. A page tells it to those that an earlier one left open.
const prefix = location.pathname.split("/")[1], started = new BroadcastChannel("coach");
started.postMessage(prefix);

for (const element of document.querySelectorAll(".script")) element.hidden = false;

const UNSAVED = {
  401: "The coach was started anew. Open its new link in this browser, then this is saved there.",
  413: "This is too long to be saved, and far longer than what is judged. Please make it shorter.",
};

/** Keep what is typed on the server: a second after the last key, and when the page goes away. */
function keepDraft(form) {
  const field = form.elements.answer, name = form.elements.draft, status = byId("saved");
  let kept = form.elements.base.value, timer, saving = false, submitted = false, failed = false;
  const save = async (leaving = false) => {
    clearTimeout(timer);
    const text = field.value;
    if (submitted || text === kept) return;
    if (saving && !leaving) { timer = setTimeout(save, 300); return; }
    saving = true;
    let answer = 0;
    try {
      const response = await send("PUT", form.dataset.draft, { draft: name.value, text, base: kept }, { keepalive: leaving });
      answer = response.status;
      if (!response.ok) throw new Error(String(answer));
      name.value = (await response.json()).draft;
      kept = text;
      failed = false;
      status.textContent = "";
    } catch {
      failed = true;
      status.textContent = UNSAVED[answer] ?? "The coach does not answer, so this is not saved. Leave the page open and copy your text.";
      // Neither changes by itself.
      if (!(answer in UNSAVED)) timer = setTimeout(save, 3000);
    } finally {
      saving = false;
    }
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, 1000); });
  // Before the next page is asked for, which may be this one again.
  addEventListener("beforeunload", (event) => { if (failed && !submitted && field.value !== kept) event.preventDefault(); save(true); });
  addEventListener("pagehide", () => save(true));
  started.addEventListener("message", ({ data }) => {
    if (data === prefix || !/^[0-9a-f]{16}$/.test(data)) return;
    form.dataset.draft = form.dataset.draft.replace(/^\/[^/]+/, `/${data}`);
    form.action = form.getAttribute("action").replace(/^\/[^/]+/, `/${data}`);
    save();
  });
  document.addEventListener("visibilitychange", () => document.hidden && save(true));
  form.addEventListener("submit", (event) => {
    submitted = new URLSearchParams(new FormData(form)).toString().length < 250_000;
    if (submitted) { clearTimeout(timer); return; }
    event.preventDefault();
    status.textContent = UNSAVED[413];
  });
  // A page that comes back from the browser's memory is written in again.
  addEventListener("pageshow", () => { submitted = false; });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });
}

/** Count words, and say quietly how long an answer in an interview is. */
function countWords(field, line) {
  const hint = line.textContent;
  const tell = () => {
    const words = field.value.split(/\s+/).filter(Boolean).length;
    const said = words > 250 ? "longer than most interviewers listen" : words < 150 ? hint : "a good length";
    line.textContent = `${words} word${words === 1 ? "" : "s"}. ${said.charAt(0).toUpperCase()}${said.slice(1).replace(/\.$/, "")}.`;
  };
  field.addEventListener("input", tell);
  tell();
}

/** Put the caret where a step is to be written. */
function placeCaret(field) {
  const [start, end] = field.dataset.caret.split(" ").map(Number);
  field.focus();
  field.setSelectionRange(start, end);
  const step = new URLSearchParams(location.search).get("step");
  byId(`step-${step}`)?.classList.add("lit");
  field.scrollIntoView({ block: "center" });
}

const GONE = "The coach does not answer. Your text is kept.";

/** Take one of the places for streams, which all tabs share; return what gives it back, or null. */
async function takePlace() {
  for (const name of ["coach-1", "coach-2", "coach-3", "coach-4"]) {
    const release = await new Promise((resolve) => {
      navigator.locks.request(name, { ifAvailable: true }, (lock) => lock ? new Promise((done) => resolve(done)) : resolve(null));
    });
    if (release) return release;
  }
  return null;
}

/** Show verdicts as they are made. A stream is open only while this answer is judged and the page is seen.
 *  A browser opens six connections to a server, so four streams are the most; further pages ask now and then. */
function watch(live) {
  const url = live.dataset.judging, status = byId("status"), bar = byId("bar");
  // The same again would be read aloud again.
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  let seen = Number(live.dataset.seen), source, timer, release, over = false;
  const close = () => { source?.close(); source = null; release?.(); release = null; };
  const finish = (act) => (data) => { over = true; close(); act(data); };
  live.querySelector("form").addEventListener("submit", finish(() => {}));
  const on = {
    started: () => { say("Judging …"); },
    note: ({ text }) => { say(text || "Judging …"); },
    verdict: ({ check, standing, sign, word, sentences }) => {
      const item = byId(`check-${check}`);
      if (!item) return;
      item.className = standing;
      item.querySelector("input").disabled = true;
      item.querySelector(".sign").textContent = sign;
      item.querySelector(".word").textContent = word;
      for (const number of sentences) byId(`sentence-${number}`)?.classList.add("lit");
      bar.value = bar.max - document.querySelectorAll(".verdicts .open").length;
      const list = item.closest("article");
      if (!list.querySelector(".open")) {
        const made = list.querySelectorAll(".earned").length, all = list.querySelectorAll("li").length;
        say(`${list.querySelector("h2").textContent}: ${made} of ${all} points made`);
      }
    },
    done: finish(({ url: to }) => { say("Done"); location.replace(to); }),
    failed: finish(() => location.reload()),
    stopped: finish(() => location.reload()),
  };
  const listen = () => {
    source = new EventSource(`${url}/events?after=${seen}`);
    for (const [name, act] of Object.entries(on)) {
      source.addEventListener(name, (event) => { seen = Number(event.lastEventId); act(JSON.parse(event.data)); });
    }
    source.onopen = () => { if (status.textContent === GONE) say("Judging …"); };
    source.onerror = () => { close(); timer = setTimeout(ask, 1000); };
  };
  const lost = () => { say(GONE); timer = setTimeout(ask, 3000); };
  const ask = async () => {
    try {
      const response = await fetch(`${url}/state`);
      if (!response.ok) { location.reload(); return; }
      const { state, ahead } = await response.json();
      if (state === "waiting") say(ahead ? `Waiting: ${ahead} before this one` : "Waiting for the model");
      else if (state !== "judging" || (release = await takePlace())) { listen(); return; }
      timer = setTimeout(ask, 2000);
    } catch { lost(); }
  };
  ask();
  // A browser opens six connections to a server: pages that nobody sees give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (over) return;
    if (document.hidden && source) close(); else if (!document.hidden && !source) { clearTimeout(timer); ask(); }
  });
  const boxes = document.querySelectorAll(".verdicts input");
  for (const box of boxes) {
    box.addEventListener("change", () => {
      send("PUT", `${url}/left-out`, { checks: [...boxes].filter((one) => one.checked).map((one) => one.value) }, { keepalive: true });
    });
  }
}

/** Let a marked sentence and its points light each other up, by pointer and by keyboard. */
function linkMarks(report) {
  const marks = [...report.querySelectorAll("mark[data-points]")];
  const pointsOf = (mark) => mark.dataset.points.split(" ").map((id) => byId(`point-${id}`)).filter(Boolean);
  const light = (elements, on) => { for (const element of elements) element.classList.toggle("lit", on); };
  const join = (element, others) => {
    for (const [begin, end] of [["pointerenter", "pointerleave"], ["focusin", "focusout"]]) {
      element.addEventListener(begin, () => light(others, true));
      element.addEventListener(end, () => light(others, false));
    }
  };
  for (const mark of marks) {
    join(mark, pointsOf(mark));
    // The marker behind a sentence is what the keyboard reaches.
    const marker = mark.nextElementSibling;
    if (marker?.matches("sup")) join(marker, [mark, ...pointsOf(mark)]);
  }
  for (const item of report.querySelectorAll('li[id^="point-"]')) {
    const own = marks.filter((mark) => pointsOf(mark).includes(item));
    if (own.length) join(item, own);
  }
}

/** Let n and p lead to the next and the previous answer, unless somebody types. */
function walk(links) {
  const typed = "textarea, select, input:not([type=radio], [type=checkbox])";
  document.addEventListener("keydown", (event) => {
    const rel = { n: "next", p: "prev" }[event.key];
    if (!rel || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(typed)) return;
    links.querySelector(`a[rel="${rel}"]`)?.click();
  });
}

/** Ask before a mark that was not saved is left. */
function askFirst(marking) {
  let changed = false;
  marking.addEventListener("submit", () => { changed = false; });
  for (const event of ["input", "change"]) document.addEventListener(event, () => { changed = true; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  marking.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); marking.requestSubmit(marking.querySelector("button")); }
  });
}

const marking = byId("mark");
if (marking) askFirst(marking);
const keys = document.querySelector("[data-keys]");
if (keys) walk(keys);
const form = document.querySelector("form[data-draft]");
if (form) {
  keepDraft(form);
  const field = form.elements.answer;
  if (byId("count")) countWords(field, byId("count"));
  if (field.dataset.caret) placeCaret(field);
  byId("spelling")?.addEventListener("change", (event) => { field.spellcheck = event.target.checked; });
}
const live = document.querySelector("[data-judging]");
if (live) watch(live);
const report = document.querySelector(".report");
if (report) linkMarks(report);
byId("print")?.addEventListener("click", () => print());
