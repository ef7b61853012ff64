// Stripe's card form in the page; where it cannot be had, Stripe's own page remains.
(() => {
  "use strict";

  const form = document.getElementById("card");
  const place = document.getElementById("fields");
  const script = document.getElementById("stripe");
  const elsewhere = document.querySelector("#elsewhere button");
  const pay = form.querySelector("button");
  const plain = elsewhere.textContent;
  const { stripe: key, order, declines, unharmed } = form.dataset;
  const title = document.title;

  const offer = (inPage) => {
    form.hidden = !inPage;
    elsewhere.textContent = inPage ? elsewhere.dataset.instead : plain;
    elsewhere.classList.toggle("second", inPage);
  };

  // Stripe knows no light-dark() and no oklch().
  const colour = (token) => {
    place.style.color = `var(--${token})`;
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = getComputedStyle(place).color;
    pen.fillRect(0, 0, 1, 1);
    place.style.color = "";
    return `rgb(${[...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(", ")})`;
  };

  const dress = () => ({
    variables: {
      colorPrimary: colour("brand"),
      colorText: colour("ink"),
      colorBackground: colour("sheet"),
      colorDanger: colour("bad"),
      borderRadius: "8px",
      fontFamily: getComputedStyle(form).fontFamily,
    },
  });

  const open = async () => {
    const { csrf, key: once } = form.elements;
    const headers = { "X-CSRF": csrf.value, "Idempotency-Key": once.value };
    const answer = await fetch(`${order}/payment/intent`, { method: "POST", headers });
    if (!answer.ok) throw new Error(answer.status);
    const { clientSecret } = await answer.json();
    if (!clientSecret) location.replace(order);
    return clientSecret;
  };

  const begin = async () => {
    const clientSecret = await open();
    if (!clientSecret) return;
    const stripe = Stripe(key);
    const elements = stripe.elements({ clientSecret, appearance: dress() });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements.update({ appearance: dress() }));
    const element = elements.create("payment");
    element.on("loaderror", () => offer(false));
    element.on("ready", () => place.removeAttribute("aria-busy"));
    element.mount(place);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (pay.getAttribute("aria-disabled") === "true") return;
      pay.setAttribute("aria-disabled", "true");
      refuse("");
      const confirmParams = { return_url: new URL(`${order}?came=bank`, location).href };
      const { error } = await stripe.confirmPayment({ elements, confirmParams, redirect: "if_required" });
      if (!error) return location.assign(`${order}?came=paid`);
      pay.removeAttribute("aria-disabled");
      if (error.type === "card_error") refuse(`${why(error)} ${unharmed}`);
      else if (error.type === "invalid_request_error") location.assign(order); // paid or over in another tab
      else if (error.type !== "validation_error") refuse(error.message);
    });
  };

  const why = ({ decline_code: reason, code }) => {
    const words = JSON.parse(declines);
    return words[reason] ?? words[code] ?? words[""];
  };

  const refuse = (sentence) => {
    const box = document.getElementById("refusal");
    box.hidden = !sentence;
    box.querySelector("p").textContent = sentence;
    document.title = sentence ? `Error: ${title}` : title;
    if (sentence) box.focus();
  };

  const start = () => begin().catch(() => offer(false));
  offer(true);
  if (window.Stripe) return start();
  script.addEventListener("load", start);
  script.addEventListener("error", () => offer(false));
})();
