// Every page defines step(k), which draws tick k (ten a second) and calls event() for what began.
let started = [], ended = [];
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
function tick(k) {
  started = []; ended = [];
  step(k);
  return { started, ended };
}
function add(parent, tag, text, cls = "", first = false) {
  const el = document.createElement(tag);
  el.className = cls; el.textContent = text;
  first ? parent.prepend(el) : parent.append(el);
  return el;
}
const screenBox = () => [0, 0, innerWidth, innerHeight];
