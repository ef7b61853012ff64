// What pages do better with a script; each works without.
(() => {
  "use strict";

  // Times in the reader's own zone; the page says UTC.
  function local(page) {
    for (const time of page.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (isNaN(at)) continue;
      time.title = time.textContent;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
  local(document);

  // A form is sent once, and what is inert does nothing; back from the next page, it can be sent again.
  let sent;
  addEventListener("click", (event) => event.target.closest("[aria-disabled=true]") && event.preventDefault());
  addEventListener("submit", ({ target }) => {
    if ("once" in target.dataset) (sent = target.querySelector("button")).ariaDisabled = "true";
  });
  addEventListener("pageshow", () => { if (sent) sent.ariaDisabled = null; });

  // What the page shows follows what happens while somebody looks; nobody's focus or aim is moved.
  const control = document.querySelector("[data-live]");
  if (!control || !window.EventSource) return;
  const button = control.querySelector("button");
  const said = document.getElementById("said");
  const main = document.getElementById("main");
  const badges = document.getElementById("badges")?.content;
  let last = document.getElementById("outlook")?.textContent;
  let begun = 0;
  let source, later, fresh;

  function put(old, now) {
    const name = old.closest("[data-ticket]")?.querySelector("h1, strong");
    const badge = now.querySelector(".badge");
    if (name && badge) said.textContent = `${name.textContent}: ${badge.lastChild.textContent.trim()}.`;
    old.replaceWith(now);
  }

  // What an event cannot say in words is read from the page as it would be now: once for many events.
  const reread = () => { if (source) later ??= setTimeout(read, 200); };
  async function read() {
    later = undefined;
    let page;
    try {
      const answer = await fetch(control.querySelector("a").href);
      if (answer.status > 428) throw answer;
      page = await answer.text();
    } catch {
      stale(true);
      return setTimeout(reread, 3000);
    }
    if (!source) return;
    stale(false);
    fresh = new DOMParser().parseFromString(page, "text/html");
    local(fresh);
    if (!fresh.querySelector("[data-live]")) {
      control.removeAttribute("data-live");
      follow();
    }
    show();
  }

  const busy = (where) => document.querySelector(`${where} :is(a, button):is(:focus, :hover)`);
  function show() {
    const find = (id) => fresh?.getElementById(id);
    const outlook = find("outlook");
    const over = document.getElementById("over");
    if (outlook && last !== outlook.textContent) said.textContent = last = outlook.textContent;
    // Below what can be pressed no more stands why, and what can be done instead.
    if (outlook && over && !find("hold") && !busy("#over")) {
      over.innerHTML = outlook.innerHTML + find("doing").innerHTML;
      over.className = outlook.className;
      over.hidden = false;
    }
    if (busy(".order")) return;
    main.style.minHeight = `${main.offsetHeight}px`;
    for (const old of document.querySelectorAll("[data-now]")) {
      const now = find(old.id);
      if (now?.localName === old.localName && now.dataset.now !== old.dataset.now) put(old, now);
    }
    fresh = undefined;
  }
  for (const kind of ["focusout", "pointerout"]) addEventListener(kind, () => setTimeout(show));

  function heard({ data }) {
    const it = JSON.parse(data);
    dispatchEvent(new CustomEvent("heard", { detail: it }));
    const row = document.getElementById(it.id);
    if (!row) return;
    const [version, status] = row.dataset.now.split(" ");
    if (version !== `${it.version}` || it.needsReview) reread();
    const badge = status !== it.status && badges?.querySelector(`.${it.status}`);
    if (!badge) return;
    const next = row.cloneNode(true);
    next.dataset.now = `${version} ${it.status}`;
    next.querySelector(".badge").replaceWith(badge.cloneNode(true));
    put(row, next);
  }

  const stale = (is) => control.classList.toggle("stale", is);
  function open() {
    source = new EventSource(control.dataset.live);
    for (const kind of ["ticket", "order"]) source.addEventListener(kind, heard);
    for (const kind of ["decline", "reset"]) source.addEventListener(kind, reread);
    source.addEventListener("ready", () => begun++ && reread());
    source.onopen = () => stale(false);
    source.onerror = () => {
      stale(true);
      // A refusal ends it for good, and the page looks by itself; a lost connection it mends.
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => { follow(); reread(); }, 3000 + 3000 * Math.random());
    };
  }
  const close = () => { source?.close(); source = null; };

  const wanted = () => localStorage.getItem("live") !== "off";
  function follow() {
    close();
    const is = "live" in control.dataset;
    control.classList.toggle("on", is);
    button.ariaPressed = wanted();
    if (is && wanted() && !document.hidden) return open();
    begun = 1;
    stale(false);
  }
  button.addEventListener("click", () => {
    localStorage.setItem("live", wanted() ? "off" : "on");
    fresh = undefined;
    follow();
  });
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", close);
  follow();
})();
