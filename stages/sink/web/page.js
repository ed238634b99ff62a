"use strict";
const MOST = {notes: 1000, fates: 500};
const LANES = {
  sent: ["sent"],
  merged: ["merged"],
  ignored: ["unchanged", "noise", "replaced"],
  "not sent": ["withheld by privacy", "withheld by budget", "failed"],
};
const byId = id => document.getElementById(id);
const copy = id => byId(id).content.firstElementChild.cloneNode(true);
const clock = time => new Date(time).toLocaleTimeString([], {hour12: false});
const short = number => number < 10000 ? `${number}` : number < 1e6 ? `${Math.round(number / 1000)}k` : `${(number / 1e6).toFixed(1)}M`;
const dollars = amount => "$" + amount.toFixed(amount < 1 ? 4 : 2);
const cents = amount => "$" + amount.toFixed(2);

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  if (className) made.className = className;
  return made;
}

/* Notes */

const rows = new Map();

function row(note) {
  let item = rows.get(note.id);
  if (!item) {
    item = copy("note");
    rows.set(note.id, item);
    byId("notes").prepend(item);
    item.querySelector(".thumb").onclick = () => explain(note.id);
    if (rows.size > MOST.notes) remove(rows.keys().next().value);
  }
  return item;
}

function remove(id) {
  rows.get(id)?.remove();
  rows.delete(id);
}

function show(note) {
  byId("empty").hidden = true;
  if (note.status === "withdrawn") return remove(note.id);
  const item = row(note);
  item.className = note.status;
  item.setAttribute("aria-busy", note.status === "in_progress");  // read out once, when it is whole
  item.querySelector("time").dateTime = note.captured_at;
  item.querySelector("time").textContent = clock(note.captured_at);
  item.querySelector(".place").textContent = note.place;
  const took = note.latency_ms.change_to_note;
  item.querySelector(".took").textContent = took === null ? "" : (took / 1000).toFixed(2) + " s";
  item.querySelector(".words").textContent = note.text;
  item.querySelector(".words").dataset.status = note.status;
  thumb(item.querySelector(".thumb"), note.shown);
}

function thumb(button, shown) {
  if (!shown.length || button.firstChild) return;
  button.hidden = false;
  button.setAttribute("aria-label", "What this note was made from");
  button.append(picture(shown[0], () => button.hidden = true));
  if (shown.length > 1) button.append(element("span", `+${shown.length - 1}`, "more"));
}

function picture(shown, forgotten) {
  const frame = element("span", "", "picture");
  const image = new Image(...shown.size);
  image.alt = "";
  image.onerror = forgotten;
  image.src = shown.src;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  for (const [x, y, width, height] of shown.marks) {
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    for (const [name, value] of Object.entries({x, y, width, height})) rect.setAttribute(name, value);
    svg.append(rect);
  }
  frame.append(image, svg);
  return frame;
}

async function explain(id) {
  const answer = await fetch("api/why/" + encodeURIComponent(id));
  if (!answer.ok) return;
  const turn = await answer.json();
  byId("why-words").textContent = turn.text || rows.get(id)?.querySelector(".words").textContent;
  byId("why-pictures").replaceChildren(...turn.pictures.map(shown => {
    const figure = document.createElement("figure");
    const [width, height] = shown.size;
    figure.append(picture(shown, () => figure.remove()));
    figure.append(element("figcaption", `${width}×${height}, ${shown.detail} detail`));
    return figure;
  }));
  byId("why-caption").textContent = turn.caption;
  const tokens = `${turn.usage.input_tokens} in (${turn.usage.cached_tokens} cached), ${turn.usage.output_tokens} out`;
  const stages = Object.entries(turn.stages);
  const steps = stages.map(([stage, spent]) => `${stage} ${spent.toFixed(1)}`).join(", ");
  const facts = {
    because: turn.rule,
    frame: `${turn.seq} of monitor ${turn.monitor}, ${turn.size.join("×")}, ${clock(1000 * turn.wall_time)}`,
    changed: turn.regions.map(([x, y, width, height]) => `${width}×${height} at ${x},${y}`).join("; "),
    model: turn.model,
    tokens,
    cost: turn.usd === null ? "" : dollars(turn.usd),
    took: turn.milliseconds === null ? "" : `${Math.round(turn.milliseconds)} ms: ${steps}`,
    note: turn.id,
  };
  const told = Object.entries(facts).filter(([, said]) => said);
  byId("why-facts").replaceChildren(...told.flatMap(([name, said]) => [element("dt", name), element("dd", said)]));
  byId("why-stages").replaceChildren(...stages.map(([stage, spent]) => {
    const part = element("span", stage, stage.startsWith("before") ? "waits" : "");
    part.title = `${stage}: ${spent.toFixed(1)} ms`;
    part.style.flexGrow = spent;
    return part;
  }));
  byId("why").showModal();
}

byId("close").onclick = () => byId("why").close();
byId("why").onclick = event => event.target === byId("why") && byId("why").close();

/* What became of the frames */

const fates = new Map();
let minutes = 2;
let scheduled = 0;
let current = null;

function fated(entry) {
  fates.delete(entry.number);
  if (entry.frames.length) fates.set(entry.number, entry);
  if (fates.size > MOST.fates) fates.delete(fates.keys().next().value);
}

function count(entry) {
  return entry.frames.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function frames(entry) {
  const [first, last] = [entry.frames[0][0], entry.frames.at(-1)[1]];
  if (first === last) return `frame ${first}`;
  return entry.frames.length === 1 ? `frames ${first} to ${last}` : `${count(entry)} of frames ${first} to ${last}`;
}

function reason(entry) {
  const places = entry.regions.slice(0, 3).map(([x, y, width, height]) => `${width}×${height} at ${x},${y}`);
  const parts = [entry.rule, places.join(", ")];
  if (entry.into !== null) parts.push(`went on with frame ${entry.into}`);
  if (entry.milliseconds !== null) parts.push(`answered after ${Math.round(entry.milliseconds)} ms`);
  if (entry.input_tokens) parts.push(`${entry.input_tokens + entry.output_tokens} tokens`);
  if (entry.usd) parts.push(dollars(entry.usd));
  return parts.filter(Boolean).join("; ");
}

function tell(entry) {
  if (current === entry.number) return;
  current = entry.number;
  byId("told").replaceChildren(
    `${clock(1000 * entry.wall_time)} ${frames(entry)}: `, element("b", entry.fate), ` – ${reason(entry)}`);
}

for (const name of Object.keys(LANES)) {
  const lane = copy("lane");
  lane.id = "lane-" + name.replace(" ", "-");
  lane.querySelector(".name").textContent = name;
  lane.querySelector(".track").dataset.lane = name;
  byId("lanes").append(lane);
}

const marks = new Map();

function mark(entry) {
  let made = marks.get(entry.number);
  if (!made) {
    made = document.createElement("button");
    made.type = "button";
    made.tabIndex = -1;
    made.className = entry.fate.split(" ")[0];
    marks.set(entry.number, made);
    const lane = Object.keys(LANES).find(name => LANES[name].includes(entry.fate));
    document.querySelector(`[data-lane="${lane}"]`).append(made);
  }
  made.entry = entry;
  return made;
}

function draw() {
  byId("past").hidden = !fates.size;
  const end = Date.now() / 1000, oldest = Math.min(end - 30, ...[...fates.values()].map(entry => entry.began));
  const begin = Math.max(end - 60 * minutes, oldest);
  const share = time => 100 * Math.max(0, Math.min(1, (time - begin) / (end - begin)));
  byId("begin").textContent = clock(1000 * begin);
  for (const [number, made] of marks) {
    if (!fates.has(number) || fates.get(number).wall_time < begin) {
      made.remove();
      marks.delete(number);
    }
  }
  for (const entry of fates.values()) {
    if (entry.wall_time < begin) continue;
    const made = mark(entry);
    made.style.left = `min(${share(entry.began)}%, 100% - 5px)`;
    made.style.width = `${share(entry.wall_time) - share(entry.began)}%`;
    made.setAttribute("aria-label", `${clock(1000 * entry.wall_time)} ${frames(entry)}: ${entry.fate}, ${reason(entry)}`);
  }
  const reachable = document.querySelector("#lanes button[tabindex='0']");
  if (!reachable) document.querySelector("#lane-sent button:last-child, #lanes button")?.setAttribute("tabindex", "0");
  for (const lane of byId("lanes").children) {
    lane.hidden = lane.id === "lane-not-sent" && !lane.querySelector("button");
  }
}

function nearest(event) {
  const track = event.target.closest(".track");
  const reach = 14;
  let found = null, distance = reach;
  for (const made of track?.children ?? []) {
    const {left, right} = made.getBoundingClientRect();
    const away = Math.max(left - event.clientX, event.clientX - right, 0);
    if (away <= distance) [found, distance] = [made, away];
  }
  return found;
}

function point(made) {
  if (!made) return;
  tell(made.entry);
  for (const other of document.querySelectorAll("#lanes [aria-current]")) other.removeAttribute("aria-current");
  made.setAttribute("aria-current", "true");
  document.querySelectorAll("#notes .pointed").forEach(item => item.classList.remove("pointed"));
  rows.get(made.entry.note)?.classList.add("pointed");
}

byId("lanes").addEventListener("pointermove", event => point(nearest(event)));
byId("lanes").addEventListener("focusin", event => point(event.target.closest("#lanes button")));
byId("lanes").addEventListener("click", event => {
  const made = event.detail ? nearest(event) : event.target.closest("#lanes button");
  if (made) rows.get(made.entry.note)?.scrollIntoView({block: "nearest"});
});
byId("lanes").addEventListener("keydown", event => {
  const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  const made = event.target.closest("#lanes button");
  if (!step || !made) return;
  event.preventDefault();
  const inOrder = [...marks.values()].sort((one, other) => one.entry.wall_time - other.entry.wall_time);
  const next = inOrder[inOrder.indexOf(made) + step];
  if (!next) return;
  made.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

for (const button of byId("spans").children) {
  const press = () => {
    minutes = Number(button.dataset.minutes);
    for (const other of byId("spans").children) other.setAttribute("aria-pressed", other === button);
    draw();
  };
  button.onclick = press;
  if (Number(button.dataset.minutes) === minutes) press();
}
setInterval(() => document.hidden || draw(), 2000);

/* The run */

let connection = ["connecting", ""];
let paused = false;

function status(words, className) {
  if (words) connection = [words, className];
  const isPaused = paused && connection[1] === "live";
  byId("state").textContent = isPaused ? "paused" : connection[0];
  byId("state").className = isPaused ? "paused" : connection[1];
}

function state(run) {
  paused = Boolean(run.paused);
  document.body.classList.toggle("is-paused", paused);
  byId("pause").hidden = run.paused === undefined;
  byId("pause").textContent = paused ? "Resume" : "Pause";
  status();
  const wrong = run.wrong ?? [];
  byId("wrong").textContent = wrong.join("\n");
  byId("wrong").hidden = !wrong.length;
  byId("run").hidden = run.frames === undefined;
  if (run.frames === undefined) return;
  byId("watching").textContent = run.watching ?? "";
  byId("notes_by").textContent = run.notes_by ?? "";
  const sum = lane => LANES[lane].reduce((all, fate) => all + (run.fates[fate] ?? 0), 0);
  const figures = {frames: short(run.frames), sent: short(sum("sent")), merged: short(sum("merged")), ignored: short(sum("ignored"))};
  if (sum("not sent")) figures["not sent"] = short(sum("not sent"));
  if (run.p50_ms !== null) figures["to note, p50"] = (run.p50_ms / 1000).toFixed(2) + " s";
  if (run.tokens) figures.tokens = short(run.tokens);
  byId("figures").replaceChildren(...Object.entries(figures).map(([name, said]) => {
    const figure = document.createElement("div");
    figure.append(element("dt", name), element("dd", said));
    return figure;
  }));
  byId("meters").replaceChildren(...meters(run));
}

function meters(run) {
  if (run.free) return [element("span", "No cost: the model is free of charge")];
  const limits = run.limits ?? [];
  const spent = `${dollars(run.usd ?? 0)} spent in this run`;
  return [element("span", limits.length ? spent : `${spent}, no limit is set`), ...limits.map(limit => {
    const used = limit.spent / limit.most;
    const name = `Budget ${limit.per === "hour" ? "an" : "a"} ${limit.per}`;
    const meter = element("div", "", "meter" + (used >= 1 ? " over" : used >= .8 ? " near" : ""));
    const label = element("div", "", "label");
    label.append(element("span", name), element("span", `${cents(limit.spent)} of ${cents(limit.most)}`));
    const bar = element("div", "", "bar"), fill = document.createElement("i");
    bar.setAttribute("role", "meter");
    bar.setAttribute("aria-label", name);
    bar.setAttribute("aria-valuenow", limit.spent.toFixed(4));
    bar.setAttribute("aria-valuemax", limit.most);
    fill.style.width = `${Math.min(100, 100 * used)}%`;
    bar.append(fill);
    meter.append(label, bar);
    return meter;
  })];
}

byId("pause").onclick = async () => {
  const answer = await fetch(paused ? "api/resume" : "api/pause", {method: "POST"});
  if (answer.ok) state(await answer.json());
};

/* What was there before is no news: it is not read out. */
const FIRST_BATCH = 1000;
const announce = () => byId("notes").setAttribute("aria-live", "polite");

const source = new EventSource("events");
source.onopen = () => {
  status("live", "live");
  setTimeout(announce, FIRST_BATCH);
};
source.onmessage = event => show(JSON.parse(event.data));
source.addEventListener("fate", event => {
  fated(JSON.parse(event.data));
  scheduled ||= requestAnimationFrame(() => { scheduled = 0; draw(); });
});
source.addEventListener("state", event => state(JSON.parse(event.data)));
source.onerror = () => {
  const over = source.readyState === EventSource.CLOSED;
  status(over ? "this run is over" : "not connected, trying again", "");
};
