// What of Stripe.js a shop needs to take a card, spoken to the sandbox this file came from.
// A card form in a shadow root stands for Stripe's iframe; the bank's page is always a page, never a dialog.
(() => {
  "use strict";

  const HOME = new URL(document.currentScript.src).origin;

  const STYLE = `
    :host { display: block; font-family: var(--font, system-ui, sans-serif); color: var(--text, inherit); }
    label { display: block; margin: 0 0 .25rem; font-size: .9em; }
    input { box-sizing: border-box; width: 100%; padding: .65em .75em; font: inherit; color: inherit;
      background: var(--background, transparent); border: 1px solid var(--line, #8888);
      border-radius: var(--radius, 5px); }
    input:focus { outline: 2px solid var(--primary, #0570de); outline-offset: 1px; }
    input[aria-invalid="true"] { border-color: var(--danger, #c0123c); }
    .fields { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
    .wide { grid-column: 1 / -1; }
    p { margin: .5rem 0 0; color: var(--danger, #c0123c); font-size: .9em; }
    p:empty { display: none; }`;

  const VARIABLES = {
    colorPrimary: "--primary",
    colorText: "--text",
    colorBackground: "--background",
    colorDanger: "--danger",
    borderRadius: "--radius",
    fontFamily: "--font",
  };

  const FIELDS = {
    number: { label: "Card number", autocomplete: "cc-number", placeholder: "1234 1234 1234 1234", wide: true },
    expiry: { label: "Expiry", autocomplete: "cc-exp", placeholder: "MM / YY" },
    cvc: { label: "CVC", autocomplete: "cc-csc", placeholder: "CVC" },
  };

  const digits = (text) => text.replace(/\D/g, "");

  const luhn = (number) =>
    [...number].reverse().reduce((sum, digit, place) => {
      const doubled = Number(digit) * (place % 2 ? 2 : 1);
      return sum + (doubled > 9 ? doubled - 9 : doubled);
    }, 0) % 10 === 0;

  const idOf = (clientSecret) => String(clientSecret).split("_secret_")[0];
  const pathOf = (clientSecret) =>
    (idOf(clientSecret).startsWith("seti_") ? "setup_intents/" : "payment_intents/") + idOf(clientSecret);
  const nameOf = (clientSecret) => (idOf(clientSecret).startsWith("seti_") ? "setupIntent" : "paymentIntent");

  function flatten(params, prefix = "") {
    return Object.entries(params).flatMap(([name, value]) => {
      const path = prefix ? `${prefix}[${name}]` : name;
      if (value === undefined || value === null) return [];
      return typeof value === "object" ? flatten(value, path) : [[path, String(value)]];
    });
  }

  class PaymentElement {
    #listeners = {};
    #inputs = {};
    #alert;
    #host = null;

    constructor(elements) {
      this.elements = elements;
    }

    mount(place) {
      const parent = typeof place === "string" ? document.querySelector(place) : place;
      if (!parent) throw new Error(`No element matches ${place}; mount the Payment Element on one that exists.`);
      this.#host = document.createElement("div");
      this.#host.className = "__PrivateStripeElement";
      const root = this.#host.attachShadow({ mode: "open" });
      const style = new CSSStyleSheet();
      style.replaceSync(STYLE);
      root.adoptedStyleSheets = [style];
      this.#draw(root);
      this.#dress();
      parent.replaceChildren(this.#host);
      this.elements.load().then(({ error }) =>
        error ? this.#emit("loaderror", { error }) : this.#emit("ready", {}),
      );
    }

    on(event, listener) {
      (this.#listeners[event] ??= []).push(listener);
      return this;
    }

    off(event, listener) {
      this.#listeners[event] = (this.#listeners[event] ?? []).filter((it) => it !== listener);
      return this;
    }

    once(event, listener) {
      const first = (detail) => this.off(event, first) && listener(detail);
      return this.on(event, first);
    }

    focus() { this.#inputs.number?.focus(); }
    clear() { Object.values(this.#inputs).forEach((input) => { input.value = ""; }); }
    update() { this.#dress(); }
    unmount() { this.#host?.remove(); this.#host = null; }
    destroy() { this.unmount(); this.#listeners = {}; }

    // What is wrong with the card as typed, as Stripe calls it; null if nothing is.
    fault() {
      const number = digits(this.#inputs.number.value);
      const expiry = digits(this.#inputs.expiry.value);
      const [month, year] = [Number(expiry.slice(0, 2)), Number(`20${expiry.slice(-2)}`)];
      const now = new Date();
      const say = (field, code, message) => ({ field, error: { type: "validation_error", code, message } });
      if (number.length < 14) return say("number", "incomplete_number", "Your card number is incomplete.");
      if (!luhn(number)) return say("number", "invalid_number", "Your card number is invalid.");
      if (expiry.length < 4) return say("expiry", "incomplete_expiry", "Your card’s expiry is incomplete.");
      if (month < 1 || month > 12) return say("expiry", "invalid_expiry_month", "Your card’s expiry is invalid.");
      if (year * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1) {
        return say("expiry", "invalid_expiry_year_past", "Your card’s expiry is in the past.");
      }
      const length = /^3[47]/.test(number) ? 4 : 3;
      if (digits(this.#inputs.cvc.value).length !== length) {
        return say("cvc", "incomplete_cvc", "Your card’s security code is incomplete.");
      }
      return null;
    }

    // Say it under the form, where a screen reader hears it.
    complain(fault) {
      for (const [name, input] of Object.entries(this.#inputs)) {
        input.setAttribute("aria-invalid", String(fault?.field === name));
      }
      this.#alert.textContent = fault?.error.message ?? "";
      if (fault?.field) this.#inputs[fault.field].focus();
    }

    methodData() {
      const expiry = digits(this.#inputs.expiry.value);
      return {
        type: "card",
        card: {
          number: digits(this.#inputs.number.value),
          exp_month: Number(expiry.slice(0, 2)),
          exp_year: Number(expiry.slice(-2)),
          cvc: digits(this.#inputs.cvc.value),
        },
      };
    }

    #draw(root) {
      const fields = document.createElement("div");
      fields.className = "fields";
      for (const [name, { label, autocomplete, placeholder, wide }] of Object.entries(FIELDS)) {
        const box = document.createElement("div");
        if (wide) box.className = "wide";
        const text = document.createElement("label");
        text.htmlFor = `Field-${name}Input`;
        text.textContent = label;
        const input = document.createElement("input");
        Object.assign(input, { id: text.htmlFor, name, autocomplete, placeholder, inputMode: "numeric" });
        input.addEventListener("input", () => this.#changed(name, input));
        input.addEventListener("focus", () => this.#emit("focus", {}));
        input.addEventListener("blur", () => this.#emit("blur", {}));
        this.#inputs[name] = input;
        box.append(text, input);
        fields.append(box);
      }
      this.#alert = document.createElement("p");
      this.#alert.setAttribute("role", "alert");
      root.append(fields, this.#alert);
    }

    #dress() {
      for (const [name, value] of Object.entries(this.elements.appearance.variables ?? {})) {
        if (VARIABLES[name]) this.#host?.style.setProperty(VARIABLES[name], value);
      }
    }

    #changed(name, input) {
      if (name === "number") input.value = digits(input.value).slice(0, 19).replace(/(.{4})(?=.)/g, "$1 ");
      if (name === "expiry") input.value = digits(input.value).slice(0, 4).replace(/^(..)(?=.)/, "$1 / ");
      if (name === "cvc") input.value = digits(input.value).slice(0, 4);
      this.complain(null);
      const values = Object.values(this.#inputs).map(({ value }) => value);
      const detail = { complete: this.fault() === null, empty: values.every((value) => value === "") };
      this.#emit("change", { ...detail, collapsed: false, value: { type: "card" } });
    }

    #emit(event, detail) {
      (this.#listeners[event] ?? []).forEach((listener) => listener({ elementType: "payment", ...detail }));
    }
  }

  class Elements {
    #element = null;

    constructor(stripe, options) {
      this.stripe = stripe;
      this.clientSecret = options.clientSecret;
      this.appearance = options.appearance ?? {};
    }

    create(type) {
      if (type !== "payment") throw new Error(`The sandbox has the payment element only, not ${type}.`);
      if (this.#element) throw new Error("Can only create one Element of type payment.");
      this.#element = new PaymentElement(this);
      return this.#element;
    }

    getElement(type) { return type === "payment" ? this.#element : null; }

    update({ appearance = this.appearance }) {
      this.appearance = appearance;
      this.#element?.update();
    }

    load() { return this.stripe._retrieve(this.clientSecret); }
    async fetchUpdates() { return {}; }

    // Stripe asks shops to call this before they make their own request.
    async submit() {
      const fault = this.#element ? this.#element.fault() : null;
      this.#element?.complain(fault);
      return fault ? { error: fault.error } : { selectedPaymentMethod: "card" };
    }
  }

  class StripeSandbox {
    #key;

    constructor(key) {
      this.#key = key;
    }

    elements(options = {}) { return new Elements(this, options); }
    confirmPayment(options) { return this.#confirm(options); }
    confirmSetup(options) { return this.#confirm(options); }
    retrievePaymentIntent(clientSecret) { return this._retrieve(clientSecret); }
    retrieveSetupIntent(clientSecret) { return this._retrieve(clientSecret); }

    async handleNextAction({ clientSecret }) {
      const answer = await this._retrieve(clientSecret);
      return answer.error ? answer : this.#follow(answer, clientSecret, { redirect: "if_required" });
    }

    async _retrieve(clientSecret) {
      const query = new URLSearchParams({ key: this.#key, client_secret: clientSecret });
      return this.#ask(`${pathOf(clientSecret)}?${query}`, clientSecret);
    }

    async #confirm({ elements, clientSecret = elements?.clientSecret, confirmParams = {}, redirect = "always" }) {
      if (redirect === "always" && !confirmParams.return_url) {
        throw new Error("confirmPayment(): confirmParams.return_url is required, or redirect: 'if_required'.");
      }
      const params = { return_url: location.href, ...confirmParams };
      const element = elements?.getElement("payment");
      if (element) {
        const { error } = await elements.submit();
        if (error) return { error };
        params.payment_method_data = { ...params.payment_method_data, ...element.methodData() };
      }
      const form = { key: this.#key, client_secret: clientSecret, use_stripe_sdk: true, ...params };
      const body = new URLSearchParams(flatten(form));
      const answer = await this.#ask(`${pathOf(clientSecret)}/confirm`, clientSecret, { method: "POST", body });
      if (answer.error) {
        element?.complain({ error: answer.error });
        return answer;
      }
      return this.#follow(answer, clientSecret, { redirect, returnUrl: params.return_url });
    }

    // Go where the intent says the buyer must go; a promise that leaves the page never settles.
    async #follow(answer, clientSecret, { redirect, returnUrl }) {
      const name = nameOf(clientSecret);
      const { next_action: action, id, status } = answer[name];
      if (status === "requires_action" && action?.redirect_to_url) return leave(action.redirect_to_url.url);
      if (redirect === "if_required") return answer;
      const back = new URL(returnUrl);
      const kind = name === "paymentIntent" ? "payment_intent" : "setup_intent";
      back.searchParams.set(kind, id);
      back.searchParams.set(`${kind}_client_secret`, clientSecret);
      back.searchParams.set("redirect_status", "succeeded");
      return leave(back.href);
    }

    async #ask(path, clientSecret, options = {}) {
      try {
        const response = await fetch(`${HOME}/v1/${path}`, options);
        const body = await response.json();
        return response.ok ? { [nameOf(clientSecret)]: body } : { error: body.error };
      } catch {
        const message = "We could not reach Stripe. Check your connection and try again.";
        return { error: { type: "api_connection_error", message } };
      }
    }
  }

  function leave(url) {
    location.assign(url);
    return new Promise(() => {});
  }

  window.Stripe = (key) => {
    if (!/^pk_test_\w+$/.test(key)) throw new Error("Stripe(): pass a publishable test key, pk_test_….");
    return new StripeSandbox(key);
  };
  window.Stripe.version = "sandbox";
})();
