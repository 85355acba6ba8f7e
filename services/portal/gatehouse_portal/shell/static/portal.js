// What pages do beyond links and forms: all of it is a comfort, and every page works without this file.
(() => {
  "use strict";

  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place && text) place.textContent = text;
  };

  // Regions that refresh themselves rest while nobody looks, and when paused.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const region = event.target.closest("[data-refreshing]");
    if (region && event.target === region && (document.hidden || region.dataset.refreshing === "paused")) {
      event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pause]");
    if (!button) return;
    const region = document.getElementById(button.dataset.pause);
    const paused = region.dataset.refreshing !== "paused";
    region.dataset.refreshing = paused ? "paused" : "on";
    button.setAttribute("aria-pressed", String(paused));
    announce(paused ? "Paused" : "Refreshing again");
  });

  // What was unfolded stays so when its part of the page is exchanged.
  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", () => {
    unfolded = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
  });

  // After a part of a page was exchanged: say what happened, and don't lose the keyboard's place.
  document.addEventListener("htmx:afterSettle", (event) => {
    const said = event.target.querySelector && event.target.querySelector("[data-announce]");
    if (said) announce(said.dataset.announce);
    const wanted = event.target.querySelector && event.target.querySelector("[data-focus]");
    if (wanted && (document.activeElement === document.body || !document.activeElement)) wanted.focus();
  });
  document.addEventListener("htmx:sendError", () => announce("The institute can’t be reached. Check your connection."));

  // Menus close when one looks elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-pause]")) button.hidden = false;
  });
})();
