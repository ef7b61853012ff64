// Stripe's card form in the page; where it cannot be had, Stripe's own page remains.
(() => {
  "use strict";
  const form = document.getElementById("card");
  const place = document.getElementById("fields");
  const box = document.getElementById("refusal");
  const button = form.querySelector("button");
  const elsewhere = document.querySelector("#elsewhere button");
  const plain = elsewhere.textContent;
  const title = document.title;
  const { stripe: key, order, declines, unharmed } = form.dataset;
  let stripe, elements;

  function offer(inPage) {
    form.className = "";
    form.hidden = !inPage;
    elsewhere.textContent = inPage ? elsewhere.dataset.instead : plain;
    elsewhere.classList.toggle("second", inPage);
  }

  // Stripe knows no light-dark() and no oklch().
  function colour(token) {
    place.style.color = `var(--${token})`;
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = getComputedStyle(place).color;
    pen.fillRect(0, 0, 1, 1);
    place.style.color = "";
    return `rgb(${[...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]})`;
  }

  // Unless the hold is over: then it says why.
  const enable = () => { button.ariaDisabled = button.hasAttribute("aria-describedby"); };

  function refuse(sentence) {
    box.hidden = !sentence;
    box.querySelector("p").textContent = sentence;
    document.title = sentence ? `Error: ${title}` : title;
    if (sentence) box.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.ariaDisabled = "true";
    refuse("");
    const confirmParams = { return_url: new URL(`${order}?came=bank`, location).href };
    const { error } = await stripe.confirmPayment({ elements, confirmParams, redirect: "if_required" });
    if (!error) return location.assign(`${order}?came=paid`);
    enable();
    const words = JSON.parse(declines);
    if (error.type === "card_error") refuse(`${words[error.decline_code] ?? words[error.code] ?? words[""]} ${unharmed}`);
    else if (error.type === "invalid_request_error") location.assign(order); // paid or over in another tab
    else if (error.type !== "validation_error") refuse(error.message);
  });

  async function begin() {
    const headers = { "X-CSRF": form.elements.csrf.value, "Idempotency-Key": form.elements.key.value };
    const answer = await fetch(`${order}/payment/intent`, { method: "POST", headers });
    if (!answer.ok) return offer(false);
    const { clientSecret } = await answer.json();
    if (!clientSecret) return location.replace(order);
    stripe = Stripe(key);
    const look = () => ({ appearance: { variables: {
      colorPrimary: colour("brand"),
      colorText: colour("ink"),
      colorBackground: colour("sheet"),
      colorDanger: colour("bad"),
      fontFamily: getComputedStyle(form).fontFamily,
    } } });
    elements = stripe.elements({ clientSecret, ...look() });
    matchMedia("(prefers-color-scheme: dark)").onchange = () => elements.update(look());
    const element = elements.create("payment");
    element.on("loaderror", () => offer(false));
    element.on("ready", () => { place.removeAttribute("aria-busy"); enable(); });
    element.mount(place);
  }

  const start = () => begin().catch(() => offer(false));
  offer(true);
  if (window.Stripe) return start();
  const script = document.getElementById("stripe");
  script.addEventListener("load", start);
  script.addEventListener("error", () => offer(false));
})();
