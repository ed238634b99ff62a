// A page defines step(k), which draws tick k of ten a second, or draw(t), which draws second t at
// any rate, with at(t, act) for what happens once; event() says what began.
let started = [], ended = [], plan = [];
const $ = (id) => document.getElementById(id);
let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const pick = (list) => list[Math.floor(random() * list.length)];
function box(el) {
  const r = el.getBoundingClientRect();
  return [r.x, r.y, r.width, r.height];
}
// until: seconds, or a key that finish() ends
function event(kind, label, el, text = "", until = null) {
  started.push({ kind, label, text, until, box: Array.isArray(el) ? el : box(el) });
}
const finish = (key) => ended.push(key);
const at = (t, act) => plan.push({ t, act });
function tick(k, fps) {
  started = []; ended = [];
  if (typeof draw === "undefined") {
    if (k % (fps / 10) == 0) step(k * 10 / fps);
  } else {
    const t = k / fps;
    if (k == 0) event("meaningful", "initial screen", screenBox());
    for (const due of plan.filter((p) => p.t <= t + 1e-6).sort((a, b) => a.t - b.t)) due.act(t);
    plan = plan.filter((p) => p.t > t + 1e-6);
    draw(t);
  }
  return { started, ended };
}
function add(parent, tag, text, cls = "", first = false) {
  const el = document.createElement(tag);
  el.className = cls; el.textContent = text;
  first ? parent.prepend(el) : parent.append(el);
  return el;
}
// Types into an element from second t on, `gap` seconds a letter; every word is an event.
function type(t, el, text, gap = 0.14) {
  const node = document.createTextNode("");
  at(t, () => el.append(node));
  [...text].forEach((letter, i) => at(t + i * gap, () => {
    node.textContent += letter;
    const next = text[i + 1];
    if (letter == " " || (next !== undefined && next != " ")) return;
    const range = document.createRange();
    const start = text.lastIndexOf(" ", i) + 1;
    range.setStart(node, start); range.setEnd(node, i + 1);
    event("meaningful", "word typed", box(range), text.slice(start, i + 1));
  }));
}
const screenBox = () => [0, 0, innerWidth, innerHeight];
const ease = (t, from, to) => Math.min(1, Math.max(0, (t - from) / (to - from)));
