// Keeps the page moving: one socket that says what changed, parts that fetch themselves again, clocks that count.
(() => {
  "use strict";

  // What a hint of each kind makes worth fetching again.
  const EVENTS_OF = {
    tick: ["ta:tick"],
    price: ["ta:tick"],
    order: ["ta:bots", "ta:orders", "ta:figures", "ta:journal"],
    fill: ["ta:bots", "ta:orders", "ta:fills", "ta:cycles", "ta:figures"],
    trade: ["ta:cycles", "ta:figures"],
    event: ["ta:events"],
    status: ["ta:bots", "ta:status", "ta:orders"],
  };
  const PARTS = [...new Set(Object.values(EVENTS_OF).flat())];
  const EVERYTHING = [...PARTS, "ta:online"];
  const INTERVAL = { "ta:tick": 2000 };
  const DEFAULT_INTERVAL = 1000;
  const LONGEST_WAIT = 30000;

  const body = document.body;
  const state = document.getElementById("live-state");
  const last = new Map();
  const waiting = new Map();

  // At most one event per interval, and always one after the last hint: a page must not stay behind.
  function announce(name) {
    if (document.hidden || waiting.has(name)) return;
    const interval = INTERVAL[name] || DEFAULT_INTERVAL;
    const wait = Math.max(0, (last.get(name) || 0) + interval - performance.now());
    waiting.set(name, setTimeout(() => {
      waiting.delete(name);
      last.set(name, performance.now());
      body.dispatchEvent(new CustomEvent(name));
    }, wait));
  }

  function show(name, text) {
    if (!state) return;
    state.dataset.state = name;
    state.querySelector(".live-text").textContent = text;
  }

  let attempts = 0;
  let wasOpen = false;
  let socket = null;
  let retry = 0;

  function connect() {
    clearTimeout(retry);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}${body.dataset.socket}`);
    socket.addEventListener("open", () => {
      attempts = 0;
      show("on", "live");
      // What happened while nobody listened is fetched now; a new page too was made before it began to listen.
      (wasOpen ? EVERYTHING : PARTS).forEach(announce);
      wasOpen = true;
    });
    socket.addEventListener("message", (message) => {
      const hint = JSON.parse(message.data);
      body.dispatchEvent(new CustomEvent("ta:hint", { detail: hint }));
      (EVENTS_OF[hint.kind] || []).forEach(announce);
    });
    socket.addEventListener("close", () => {
      attempts += 1;
      // Spread out, so that a restarted server is not met by every page at once.
      const wait = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(attempts, 6)) * (0.5 + Math.random() / 2);
      show("off", "reconnecting");
      // Without a socket the page still moves, slowly; it also finds out that one has been signed out.
      if (attempts > 1) EVERYTHING.forEach(announce);
      retry = setTimeout(connect, wait);
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    EVERYTHING.forEach(announce);
    if (socket && socket.readyState === WebSocket.CLOSED) connect();
  });
  window.addEventListener("online", () => socket && socket.readyState === WebSocket.CLOSED && connect());
  window.addEventListener("pagehide", () => socket && socket.close());
  window.addEventListener("pageshow", (event) => event.persisted && connect());
  if (body.dataset.socket) connect();

  // --- Rows that were not there before the swap -------------------------------------------------------------
  let known = new Set();
  const keysIn = (element) => [...element.querySelectorAll("[data-key]")].map((row) => row.dataset.key);
  body.addEventListener("htmx:beforeSwap", () => {
    known = new Set(keysIn(document));
  });
  body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.elt.isConnected ? event.detail.elt : document;
    // A tab that was opened, or an older page, is not news.
    if (![...known].length || event.detail.requestConfig.elt.closest("nav")) return;
    target.querySelectorAll("[data-key]").forEach((row) => known.has(row.dataset.key) || row.classList.add("is-new"));
  });

  // --- Clocks ------------------------------------------------------------------------------------------------
  function duration(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return `${s} s`;
    const m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
    if (m < 60) return `${m} min`;
    if (h < 24) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  }
  const marketFormat = new Intl.DateTimeFormat("en", {
    month: "short", day: "numeric", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23", timeZone: "UTC",
  });
  let clockRead = { element: null, at: 0 };
  // The ages on the page were true when the server wrote them; its clock and this one may differ.
  setInterval(() => {
    if (document.hidden) return;
    document.querySelectorAll("[data-ago]").forEach((time) => {
      if (!time.readAt) time.readAt = { now: Date.now(), age: parse(time.textContent) };
      if (time.readAt.age < 3600) time.textContent = duration(time.readAt.age + (Date.now() - time.readAt.now) / 1000);
    });
    const clock = document.getElementById("market-clock");
    if (clock && clock.dataset.time && Number(clock.dataset.speed)) {
      if (clockRead.element !== clock) clockRead = { element: clock, at: performance.now() };
      const passed = ((performance.now() - clockRead.at) / 1000) * Number(clock.dataset.speed);
      clock.querySelector("time").textContent = marketFormat.format((Number(clock.dataset.time) + passed) * 1000);
    }
  }, 1000);
  function parse(text) {
    const units = { s: 1, min: 60, h: 3600, d: 86400 };
    return [...text.matchAll(/(\d+) (s|min|h|d)/g)].reduce((sum, part) => sum + Number(part[1]) * units[part[2]], 0);
  }

  // --- Questions before dangerous buttons --------------------------------------------------------------------
  const dialog = document.getElementById("dialog");
  body.addEventListener("click", async (event) => {
    const opener = event.target.closest("a[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const answer = await fetch(opener.href, { headers: { "HX-Request": "true" } });
      // Signed out meanwhile, or something is wrong: the page of that address says what.
      if (!answer.ok || answer.redirected || answer.headers.has("HX-Redirect")) return void (location.href = opener.href);
      dialog.innerHTML = await answer.text();
      dialog.showModal();
    } else if (event.target.closest("[data-dialog-close]") && dialog.open) {
      event.preventDefault();
      dialog.close();
    } else if (event.target === dialog) {
      dialog.close();
    } else if (event.target.closest("[data-dismiss]")) {
      event.target.closest(".toast").remove();
    }
  });
  // A second click must not post twice; coming back to the page makes the form usable again.
  body.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
  setTimeout(() => document.querySelectorAll(".toast.success").forEach((toast) => toast.remove()), 6000);
})();
