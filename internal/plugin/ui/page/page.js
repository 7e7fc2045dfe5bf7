// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Shows the frames that the program sends: each is a whole picture, laid out, with the data it was made of.
'use strict';

const $ = (id) => document.getElementById(id);
const picture = $('picture'), details = $('details'), tip = $('tip'), find = $('find'), namespace = $('namespace');

// frame is what is shown. chosen is the ID of the Network in the details, current of the one that the keys go on from.
let frame = { networks: [], peerings: [], namespaces: [] };
let svg = null;
let chosen = '', current = '';
// size is how large the picture is shown, 0 for what fits and can be read.
let size = 0;
let frames = null;

const idOf = (peering) => peering.from + '--' + peering.to;
const network = (id) => frame.networks.find((n) => n.id === id);
const node = (id) => document.getElementById(id);
const peeringsOf = (id) => frame.peerings.filter((p) => p.from === id || p.to === id);

// element makes one with a class and children; texts stay texts, whatever is in them.
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// Frames.

function follow() {
  if (frames) frames.close();
  frames = new EventSource('frames?namespace=' + encodeURIComponent(namespace.value));
  frames.onmessage = (event) => show(JSON.parse(event.data));
  frames.onerror = () => tell('The command kubectl network ui does not answer. If it has ended, run it again and open its new address.');
}

function tell(trouble) {
  if ($('trouble').textContent !== trouble) $('trouble').textContent = trouble;
  $('trouble').hidden = trouble === '';
}

function show(next) {
  const before = new Map();
  for (const n of frame.networks) before.set(n.id, JSON.stringify(n));
  for (const p of frame.peerings) before.set(idOf(p), JSON.stringify(p));
  const anchor = node(current || chosen);
  const place = anchor && anchor.getBoundingClientRect();
  const focused = anchor !== null && document.activeElement === anchor;

  frame = next;
  draw(next.svg);
  prepare();
  if (before.size > 0) {
    for (const n of frame.networks) if (before.get(n.id) !== JSON.stringify(n)) mark(n.id);
    for (const p of frame.peerings) if (before.get(idOf(p)) !== JSON.stringify(p)) mark(idOf(p));
  }
  listNamespaces();
  resize();
  // What the user looks at stays where it is on the screen.
  const after = place && node(current || chosen);
  if (after) {
    const now = after.getBoundingClientRect();
    picture.scrollBy(now.left - place.left, now.top - place.top);
    if (focused) after.focus({ preventScroll: true });
  }
  tell(next.trouble);
  squeeze();
  count();
  search(false);
  describe();
  tip.hidden = true;
}

const mark = (id) => node(id)?.classList.add('changed');

function draw(text) {
  svg = document.importNode(new DOMParser().parseFromString(text, 'image/svg+xml').documentElement, true);
  picture.replaceChildren(svg);
  $('empty').hidden = frame.networks.length > 0;
  svg.toggleAttribute('hidden', frame.networks.length === 0);
}

// prepare gives the parts of the drawing names for screen readers and places for the keys.
function prepare() {
  for (const title of svg.querySelectorAll('title')) title.remove();
  for (const link of svg.querySelectorAll('a')) link.replaceWith(...link.childNodes);
  if (!network(current)) current = '';
  for (const n of frame.networks) {
    const box = node(n.id);
    box.setAttribute('role', 'button');
    box.setAttribute('aria-label', summary(n));
    box.setAttribute('tabindex', '-1');
  }
  for (const p of frame.peerings) {
    const line = node(idOf(p));
    line.setAttribute('role', 'img');
    line.setAttribute('aria-label', reason(p));
    for (const path of line.querySelectorAll('path')) { // a wider one to point at
      const reach = path.cloneNode();
      reach.setAttribute('class', 'reach');
      path.before(reach);
    }
  }
  enter(current);
}

// squeeze narrows texts that are wider here than where the boxes were measured, with another font.
function squeeze() {
  const narrow = [];
  for (const text of svg.querySelectorAll('.network text, .namespace text')) {
    const room = text.parentNode.querySelector('path, polygon').getBBox().width - 10;
    if (text.getComputedTextLength() > room) narrow.push([text, room]);
  }
  for (const [text, room] of narrow) {
    text.setAttribute('textLength', room);
    text.setAttribute('lengthAdjust', 'spacingAndGlyphs');
  }
}

// enter makes a Network the one that Tab leads to.
function enter(id) {
  node(current)?.setAttribute('tabindex', '-1');
  node(id || frame.networks[0]?.id)?.setAttribute('tabindex', '0');
  current = id;
}

function listNamespaces() {
  const names = [...frame.namespaces];
  if (namespace.value && !names.includes(namespace.value)) names.push(namespace.value);
  const shown = [...namespace.options].slice(1).map((option) => option.value);
  if (JSON.stringify(names) === JSON.stringify(shown)) return;
  const value = namespace.value;
  namespace.replaceChildren(new Option('all', ''), ...names.map((name) => new Option(name, name)));
  namespace.value = value;
}

function count() {
  const many = (n, noun) => n + ' ' + noun + (n === 1 ? '' : 's');
  const kinds = { Bound: 0, Pending: 0, Request: 0 };
  for (const p of frame.peerings) kinds[p.kind]++;
  const interfaces = frame.networks.reduce((sum, n) => sum + n.interfaces.length, 0);
  const text = [many(frame.networks.filter((n) => !n.unknown).length, 'Network'), many(interfaces, 'interface'),
    kinds.Bound + ' bound', kinds.Pending + ' pending', many(kinds.Request, 'request')].join(' · ');
  if ($('counts').textContent !== text) $('counts').textContent = text;
}

// Words.

function summary(n) {
  if (n.unknown) return n.id + ': not read, or does not exist';
  return [n.id + ': ' + n.state, n.reason, n.message].filter(Boolean).join(': ');
}

function reason(p) {
  const words = { Bound: ' and ', Pending: ' and ', Request: ' asks ' };
  const lines = [p.from + words[p.kind] + p.to + ': ' + p.kind];
  if (p.kind !== 'Bound' || p.reason !== 'Bound') lines.push([p.reason, p.message].filter(Boolean).join(': '));
  return lines.filter(Boolean).join('\n');
}

// Size. Letters of 12 points are 12 pixels high at size 1.

const smallest = 0.85; // at which everybody reads the names

function resize() {
  const box = svg.viewBox.baseVal;
  const fits = Math.min((picture.clientWidth - 24) / box.width, (picture.clientHeight - 24) / box.height);
  const shown = size || Math.max(smallest, Math.min(fits, 1.5));
  svg.setAttribute('width', box.width * shown);
  svg.setAttribute('height', box.height * shown);
  return shown;
}

function scale(factor) {
  size = Math.max(0.1, Math.min(resize() * factor, 6));
  const x = picture.scrollLeft + picture.clientWidth / 2, y = picture.scrollTop + picture.clientHeight / 2;
  const width = svg.getBoundingClientRect().width;
  resize();
  const grown = svg.getBoundingClientRect().width / width;
  picture.scrollTo(x * grown - picture.clientWidth / 2, y * grown - picture.clientHeight / 2);
}

function fit() {
  const box = svg.viewBox.baseVal;
  const fits = Math.min((picture.clientWidth - 24) / box.width, (picture.clientHeight - 24) / box.height, 1.5);
  size = size === fits ? 0 : fits; // twice goes back to what can be read
  resize();
}

// Finding.

let matches = [];

function search(go) {
  const words = find.value.trim().toLowerCase();
  const text = (n) => [n.id, ...n.interfaces.flatMap((i) => [i.name, i.machine || '', ...(i.ips || [])])].join('\n').toLowerCase();
  matches = words === '' ? [] : frame.networks.filter((n) => text(n).includes(words)).map((n) => n.id);
  for (const n of frame.networks) node(n.id).classList.toggle('found', matches.includes(n.id));
  svg.classList.toggle('finding', words !== '');
  $('found').textContent = words === '' ? '' : matches.length + ' found';
  if (go && matches.length > 0) node(matches[0]).scrollIntoView({ block: 'center', inline: 'center' });
}

// Details.

function choose(id) {
  chosen = id;
  describe();
}

function describe() {
  for (const box of svg.querySelectorAll('.chosen')) box.classList.remove('chosen');
  const n = network(chosen);
  near(n ? chosen : '');
  details.hidden = !n;
  if (!n) return;
  node(chosen).classList.add('chosen');
  const kept = details.scrollTop, focused = details.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const close = element('button', 'close', 'Close');
  close.dataset.key = 'close';
  close.onclick = () => { choose(''); node(n.id)?.focus(); };
  const head = [close, element('h2', '', n.name), element('p', 'quiet', 'in namespace ' + n.namespace)];
  if (n.unknown) {
    head.push(element('p', '', 'It was not read, or does not exist.'));
  } else {
    head.push(element('p', '', word(n.state), n.reason ? ' ' + n.reason : ''));
    if (n.message) head.push(element('p', '', n.message));
    if (n.providerID) head.push(element('p', 'quiet', n.providerID));
  }
  details.replaceChildren(...head, ...peeringList(n), ...interfaceList(n));
  details.scrollTop = kept;
  if (focused) details.querySelector('[data-key="' + CSS.escape(focused) + '"]')?.focus();
}

const word = (text) => element('span', 'word ' + text.toLowerCase(), text);

function peeringList(n) {
  const peerings = peeringsOf(n.id);
  if (peerings.length === 0) return [element('h3', '', 'No peerings')];
  return [element('h3', '', 'Peerings'), element('ul', '', ...peerings.map((p) => {
    const asks = p.kind === 'Request' && p.to === n.id;
    const other = p.from === n.id ? p.to : p.from;
    const arrow = p.kind !== 'Request' ? '↔ ' : asks ? '← ' : '→ ';
    const link = element('button', 'link', other);
    link.dataset.key = idOf(p);
    link.onclick = () => { choose(other); goTo(other); };
    const item = element('li', '', arrow, link, ' ', word(p.kind), p.reason && p.reason !== p.kind ? ' ' + p.reason : '');
    if (asks) {
      item.append(element('p', 'quiet', 'To accept:'),
        element('code', '', 'kubectl network accept ' + n.name + ' ' + other + ' -n ' + n.namespace));
    } else if (p.message && p.kind !== 'Bound') {
      item.append(element('p', 'quiet', p.message));
    }
    return item;
  }))];
}

function interfaceList(n) {
  if (n.unknown) return [];
  if (n.interfaces.length === 0) return [element('h3', '', 'No interfaces')];
  return [element('h3', '', 'Interfaces'), element('ul', '', ...n.interfaces.map((i) => element('li', '',
    element('b', '', i.name), ' ', (i.ips || []).join(' '), ' ', word(i.state || 'Pending'), i.machine ? ' at ' + i.machine : '')))];
}

// near makes the peers of a Network stand out.
function near(id) {
  for (const part of svg.querySelectorAll('.near')) part.classList.remove('near');
  svg.classList.toggle('dimmed', id !== '');
  if (id === '') return;
  node(id)?.classList.add('near');
  for (const p of peeringsOf(id)) for (const part of [idOf(p), p.from, p.to]) node(part)?.classList.add('near');
}

function goTo(id) {
  if (!node(id)) return;
  enter(id);
  node(id).focus({ preventScroll: true });
  node(id).scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

// step goes to the nearest Network on a side.
function step(dx, dy) {
  const centre = (id) => {
    const box = node(id).getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  if (!current) return goTo(frame.networks[0]?.id);
  const [x, y] = centre(current);
  let best = '', least = Infinity;
  for (const n of frame.networks) {
    const [nx, ny] = centre(n.id);
    const along = (nx - x) * dx + (ny - y) * dy, across = Math.abs((nx - x) * dy) + Math.abs((ny - y) * dx);
    if (along > 1 && along + 3 * across < least) [best, least] = [n.id, along + 3 * across];
  }
  if (best) goTo(best);
}

// What the user does.

picture.addEventListener('click', (event) => {
  const box = event.target.closest('.network');
  if (box) enter(box.id);
  choose(box ? box.id : '');
});
picture.addEventListener('focusin', (event) => {
  const box = event.target.closest('.network');
  if (box) enter(box.id);
});
picture.addEventListener('mousemove', (event) => {
  const part = event.target.closest('.network, .peering');
  tip.hidden = !part;
  if (!part) return;
  tip.textContent = part.getAttribute('aria-label');
  tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
  tip.style.top = Math.max(8, Math.min(event.clientY + 18, innerHeight - tip.offsetHeight - 8)) + 'px';
});
picture.addEventListener('mouseleave', () => { tip.hidden = true; });
picture.addEventListener('wheel', (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  scale(event.deltaY < 0 ? 1.1 : 1 / 1.1);
}, { passive: false });

find.addEventListener('input', () => search(true));
find.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || matches.length === 0) return;
  const next = matches[(matches.indexOf(chosen) + 1) % matches.length];
  choose(next);
  enter(next);
  node(next).scrollIntoView({ block: 'center', inline: 'center' });
});
namespace.addEventListener('change', () => { size = 0; follow(); });
$('larger').onclick = () => scale(1.25);
$('smaller').onclick = () => scale(0.8);
$('fit').onclick = fit;
$('keys').onclick = () => $('help').showModal();
addEventListener('resize', () => { if (svg) resize(); });

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open || !svg) return;
  if (event.key === 'Escape') {
    if (find.value) {
      find.value = '';
      search(false);
    } else {
      const from = chosen;
      choose('');
      if (from) node(from)?.focus();
    }
    return;
  }
  const box = event.target.closest?.('.network');
  if (arrows[event.key] && !details.contains(event.target) && !event.target.closest('input, select')) {
    step(...arrows[event.key]);
  } else if (box && (event.key === 'Enter' || event.key === ' ')) {
    choose(box.id);
  } else {
    return;
  }
  event.preventDefault();
});

const letters = {
  '/': () => { find.focus(); find.select(); },
  'n': () => namespace.focus(),
  '+': () => scale(1.25),
  '=': () => scale(1.25),
  '-': () => scale(0.8),
  '0': fit,
  '?': () => $('help').showModal(),
};

// A letter is taken when it would be written, so that it is not written where it leads to.
document.addEventListener('keypress', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open || !svg || event.target.closest('input, select')) return;
  if (!letters[event.key]) return;
  event.preventDefault();
  letters[event.key]();
});

follow();
