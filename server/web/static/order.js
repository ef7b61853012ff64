// The clock of a hold, by the server's time; and news of a payment that is being taken.
(() => {
  "use strict";

  const hold = document.getElementById("hold");
  if (hold) {
    const clock = hold.querySelector("[role=timer]");
    const said = document.getElementById("said");
    // What this computer's clock says does not matter, only what it counts from the answer on.
    const [page] = performance.getEntriesByType("navigation");
    const ends = Date.now() - (performance.now() - page.responseStart) + Number(hold.dataset.left);
    const marks = [600, 300, 120, 60, 30];
    let spoken;

    const tick = () => {
      const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
      clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      const mark = marks.filter((seconds) => left <= seconds).pop() ?? Infinity;
      if (spoken > mark) {
        said.textContent = mark > 60 ? `${mark / 60} minutes are left to pay.` : `${mark} seconds are left to pay.`;
      }
      spoken = mark;
      document.getElementById("soon").hidden = left > 120;
      if (left) return setTimeout(tick, (ends - Date.now()) % 1000 || 1000);
      said.textContent = "The hold is over. Nothing was taken.";
      hold.hidden = true;
      document.getElementById("over").hidden = false;
      for (const button of document.querySelectorAll("[data-needs-hold]")) button.setAttribute("aria-disabled", "true");
      addEventListener("click", (event) => event.target.closest("[data-needs-hold]") && event.preventDefault());
    };
    tick();
  }

  // The page looks by itself until something has changed, and then shows it.
  const waiting = document.querySelector("[data-waits]");
  if (waiting) {
    const address = waiting.dataset.waits;
    const shown = document.getElementById("outlook").textContent;
    let looks = 60;
    const look = async () => {
      try {
        const answer = await fetch(address);
        const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("outlook");
        if (now && now.textContent !== shown) return location.replace(answer.url);
      } catch { /* the next look may succeed */ }
      if (looks--) setTimeout(look, 1000);
    };
    setTimeout(look, 500);
  }
})();
