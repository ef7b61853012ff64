// The clock of a hold, by the server's time, whatever this computer's clock says.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const [page] = performance.getEntriesByType("navigation");
  let ends = Date.now() - (performance.now() - page.responseStart) + Number(find("hold")?.dataset.left);
  let spoken, isOver;

  function end() {
    isOver = true;
    for (const it of document.querySelectorAll("[data-needs-hold]")) {
      it.ariaDisabled = "true";
      it.setAttribute("aria-describedby", "over");
    }
  }

  function tick() {
    const hold = find("hold");
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    setTimeout(tick, (left && (ends - Date.now()) % 1000) || 1000);
    if (!hold || isOver) return;
    hold.querySelector("[role=timer]").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    const mark = [30, 60, 120, 300, 600].find((seconds) => left <= seconds) ?? Infinity;
    if (spoken > mark) {
      find("said").textContent = `${mark > 60 ? `${mark / 60} minutes` : `${mark} seconds`} are left to pay.`;
    }
    spoken = mark;
    find("soon").hidden = left > 120 || !left;
    if (left) return;
    find("said").textContent = "The hold is over. Nothing was taken.";
    find("over").hidden = false;
    end();
  }
  tick();

  // Time was added, or it was paid or given up, in another tab say.
  addEventListener("heard", ({ detail: order }) => {
    if (order.status !== "created") return end();
    ends = Date.now() + Date.parse(order.expiresAt) - Date.parse(order.serverTime);
  });
})();
