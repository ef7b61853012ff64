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

  // What is wrong with a form is read first.
  document.getElementById("problems")?.focus();
})();
