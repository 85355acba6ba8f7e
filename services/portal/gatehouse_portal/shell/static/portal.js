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

  // The keyboard keeps its place: before a form of a list is sent, note where to go on when its item leaves the list.
  // The next item, then the one before, then the heading of the section.
  let then = [];
  const controls = (item) => [...item.querySelectorAll("button[id], a[id], summary[id]")].map((one) => one.id);
  const around = (form) => {
    const item = form.closest("li");
    const found = (form.dataset.then || "").split(" ").filter(Boolean);
    for (let next = item && item.nextElementSibling; next; next = next.nextElementSibling) found.push(...controls(next));
    for (let last = item && item.previousElementSibling; last; last = last.previousElementSibling) found.push(...controls(last));
    const section = form.closest("section[aria-labelledby]");
    return section ? [...found, section.getAttribute("aria-labelledby")] : found;
  };
  const refocus = () => {
    if (document.activeElement && document.activeElement !== document.body) return;
    const found = [...then, "main"].map((id) => document.getElementById(id)).find((one) => one && one.offsetParent);
    if (!found) return;
    if (found.tabIndex < 0) found.tabIndex = -1;
    found.focus();
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest("form");
    if (form && event.detail.requestConfig.verb === "post") then = around(form);
  });

  // After a part of a page was exchanged: say what happened, and put the focus where it goes on.
  document.addEventListener("htmx:afterSettle", (event) => {
    const said = event.target.querySelector && event.target.querySelector("[data-announce]");
    if (said) announce(said.dataset.announce);
    const wanted = event.target.querySelector && event.target.querySelector("[data-focus]");
    if (wanted) {
      if (wanted.tabIndex < 0) wanted.tabIndex = -1;
      wanted.focus();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.requestConfig.verb === "post") setTimeout(refocus);
  });

  // One history entry a search: what is typed after the first letters replaces it.
  let typing = null;
  document.addEventListener("focusout", (event) => {
    if (event.target === typing) typing = null;
  });
  document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
    const cause = event.detail.requestConfig.triggeringEvent;
    if (!event.detail.elt.closest("[data-one-entry]") || !cause || cause.type !== "input") return;
    if (typing === cause.target) event.detail.history.type = "replace";
    typing = cause.target;
  });

  // Exact times, which the server tells in UTC, in the reader's own zone and order.
  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const localize = () => document.querySelectorAll("time[title$=UTC]").forEach((time) => {
    time.title = zone.format(new Date(time.dateTime));
  });
  document.addEventListener("htmx:afterSettle", localize);

  // A toast stays for ten seconds, and for as long as somebody points at it or has the focus in it.
  const TOAST_MS = 10000;
  const show = (toast) => {
    const dismiss = toast.querySelector("[data-dismiss]");
    if (dismiss) dismiss.hidden = false;
    announce(toast.dataset.announceToast + (toast.querySelector("#undo") ? " To undo it, press Control Z." : ""));
    const leave = () => {
      if (!toast.isConnected) return;
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, 2000);
      else toast.remove();
    };
    setTimeout(leave, TOAST_MS);
  };
  const showToasts = () => document.querySelectorAll("[data-toast]:not([data-shown])").forEach((toast) => {
    toast.dataset.shown = "";
    show(toast);
  });
  document.addEventListener("htmx:oobAfterSwap", showToasts);
  document.addEventListener("click", (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (!dismiss) return;
    dismiss.closest("[data-toast]").remove();
    refocus();
  });
  document.addEventListener("keydown", (event) => {
    const undo = document.getElementById("undo");
    const writes = event.target.closest("input, textarea, select, [contenteditable]");
    if (!undo || writes || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    event.preventDefault();
    undo.click();
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
    showToasts();
    localize();
  });
})();
