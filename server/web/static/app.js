// What pages do better with a script; each works without.
(() => {
  "use strict";

  // Times in the reader's own zone; the page says UTC.
  for (const time of document.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.textContent;
    time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }

  // A form is sent once: pressed again, a button that is at work does nothing.
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      const button = form.querySelector("button");
      if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
      button.setAttribute("aria-disabled", "true");
    });
  }
  // Back from the next page, a form can be sent again.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form[data-once] button")) button.removeAttribute("aria-disabled");
  });
})();

// Tickets follow what happens to them while somebody looks: the word changes in its place, and nothing moves.
(() => {
  "use strict";
  const control = document.querySelector("[data-live]");
  const shown = () => document.querySelectorAll("[data-ticket]");
  if (!control || !window.EventSource || !shown().length) return;
  const button = control.querySelector("button");
  const said = control.querySelector("[aria-live]");
  const badges = document.getElementById("badges").content;
  let source = null;
  let begun = false;
  let later;

  function replace(part, badge) {
    const old = part.querySelector(".badge");
    if (old.className === badge.className) return;
    old.replaceWith(badge.cloneNode(true));
    const name = part.querySelector("h1, strong").textContent;
    said.textContent = `${name}: ${badge.lastChild.textContent.trim()}.`;
    if (part.matches(".detail")) control.querySelector("[data-again]").hidden = false;
  }

  // What an event cannot say in words, a price say, is read from the page as it would be now: once for many events.
  const reread = () => { later ??= setTimeout(read, 500); };
  async function read() {
    later = undefined;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of shown()) {
      const now = fresh.querySelector(`[data-ticket="${part.dataset.ticket}"]`);
      if (!now) continue;
      part.querySelector(".price").textContent = now.querySelector(".price").textContent;
      const price = part.querySelector("[name=price]");
      if (price) price.value = now.querySelector("[name=price]")?.value ?? price.value;
      part.dataset.version = now.dataset.version;
      replace(part, now.querySelector(".badge"));
    }
  }

  function heard({ data }) {
    const ticket = JSON.parse(data);
    for (const part of shown()) {
      if (part.dataset.ticket !== ticket.id) continue;
      if (part.dataset.version !== String(ticket.version)) reread();
      else replace(part, badges.querySelector(`.${ticket.status}`));
    }
  }

  function open() {
    source = new EventSource("/api/tickets/events");
    source.addEventListener("ticket", heard);
    source.addEventListener("reset", reread);
    source.addEventListener("ready", () => {
      control.classList.remove("stale");
      if (begun) reread();
      begun = true;
    });
    source.onerror = () => {
      control.classList.add("stale");
      // A refusal ends it for good; a lost connection it mends itself.
      if (source?.readyState === EventSource.CLOSED) setTimeout(follow, 3000 + 3000 * Math.random());
    };
  }
  const close = () => { source?.close(); source = null; };

  const wanted = () => localStorage.getItem("live") !== "off";
  function follow() {
    close();
    button.setAttribute("aria-pressed", wanted());
    if (wanted() && !document.hidden) open();
  }
  button.addEventListener("click", () => {
    localStorage.setItem("live", wanted() ? "off" : "on");
    follow();
  });
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", close);
  control.classList.add("on");
  follow();
})();
