// The clock of a hold, by the server's time; and news of a payment that is being taken.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const hold = find("hold");
  if (hold) {
    // What this computer's clock says does not matter, only what it counts from the answer on.
    const [page] = performance.getEntriesByType("navigation");
    const ends = Date.now() - (performance.now() - page.responseStart) + Number(hold.dataset.left);
    let spoken;
    const tick = () => {
      const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
      hold.querySelector("[role=timer]").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      const mark = [30, 60, 120, 300, 600].find((seconds) => left <= seconds) ?? Infinity;
      if (spoken > mark) {
        find("said").textContent = `${mark > 60 ? `${mark / 60} minutes` : `${mark} seconds`} are left to pay.`;
      }
      spoken = mark;
      find("soon").hidden = left > 120;
      if (left) return setTimeout(tick, (ends - Date.now()) % 1000 || 1000);
      find("said").textContent = "The hold is over. Nothing was taken.";
      hold.hidden = true;
      find("over").hidden = false;
      for (const button of document.querySelectorAll("[data-needs-hold]")) button.ariaDisabled = "true";
      addEventListener("click", (event) => event.target.closest("[data-needs-hold]") && event.preventDefault());
    };
    tick();
  }

  // The page looks by itself until something has changed, and then shows it.
  const waiting = document.querySelector("[data-waits]");
  if (waiting) {
    const shown = find("outlook").textContent;
    let looks = 60;
    const look = async () => {
      try {
        const answer = await fetch(waiting.dataset.waits);
        const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("outlook");
        if (now && now.textContent !== shown) return location.replace(answer.url);
      } catch { /* the next look may succeed */ }
      if (looks--) setTimeout(look, 1000);
    };
    setTimeout(look, 500);
  }
})();
