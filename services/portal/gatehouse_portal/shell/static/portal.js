// What pages do beyond links and forms: all of it is a comfort, and every page works without this file.
(() => {
  "use strict";

  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place && text) place.textContent = text;
  };

  // Regions that refresh themselves rest while nobody looks, and when paused. What is pressed isn't exchanged before it
  // is let go: a click is lost when its element leaves the page between the two.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => {
    pressed = event.target;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => (pressed = null)));
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.target.closest("[data-refreshing]");
    if (region && pressed && region.contains(pressed)) event.detail.shouldSwap = false;
  });
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
    if (event.detail.requestConfig.verb !== "post") return;
    forgetPending();
    setTimeout(refocus);
  });

  // An action is answered within a tenth of a second: where the server takes longer, a toast says what is being done,
  // until the one that says what was done replaces it.
  const ANSWER_MS = 25;
  let pending = 0;
  const forgetPending = () => {
    clearTimeout(pending);
    document.querySelectorAll("[data-pending]").forEach((toast) => toast.remove());
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest("form");
    if (!form || event.detail.requestConfig.verb !== "post") return;
    const cause = event.detail.requestConfig.triggeringEvent;
    const button = (cause && cause.submitter) || form.querySelector("button[type=submit]");
    clearTimeout(pending);
    pending = setTimeout(() => {
      const toast = document.createElement("div");
      toast.className = "toast";
      toast.dataset.pending = "";
      toast.textContent = `${(button.getAttribute("aria-label") || button.textContent).replace(/\s+/g, " ").trim()} …`;
      // Beside the one before, which the style sheet hides: htmx tells nothing of a form that is gone.
      document.getElementById("toasts").append(toast);
    }, ANSWER_MS);
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

  // Times, which the server tells in UTC, in the reader's own zone: exact ones in the reader's order as well, while days
  // keep the form that they have on every page.
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const localize = () => {
    document.querySelectorAll("time[title$=UTC]").forEach((time) => {
      const then = new Date(time.dateTime);
      time.title = exact.format(then);
      if (time.dataset.day !== undefined) time.textContent = time.dataset.day + date.format(then).replace("Sept", "Sep");
    });
    document.querySelectorAll("time[data-exact], time[data-clock]").forEach((time) => {
      const then = new Date(time.dateTime);
      if (Number.isNaN(then.getTime())) return;
      const old = Date.now() - then > 20 * 3600 * 1000;
      time.textContent = (time.dataset.exact !== undefined ? exact : old ? weekday : clock).format(then);
      delete time.dataset.exact;
      delete time.dataset.clock;
    });
  };

  // Charts show the values below the pointer, and with the arrow keys those of the moments before and after.
  const read = (chart, index) => {
    const readings = JSON.parse(chart.dataset.readings);
    const at = Math.max(0, Math.min(readings.length - 1, index));
    const [moment, x, words] = readings[at];
    const cross = chart.querySelector(".cross");
    cross.setAttribute("x1", x);
    cross.setAttribute("x2", x);
    cross.setAttribute("visibility", "visible");
    const then = new Date(moment * 1000);
    chart.parentElement.querySelector(".readout").textContent =
      `${(Date.now() - then > 20 * 3600 * 1000 ? weekday : clock).format(then)}: ${words}`;
    chart.dataset.at = at;
  };
  const unread = (chart) => {
    chart.querySelector(".cross").setAttribute("visibility", "hidden");
    chart.parentElement.querySelector(".readout").textContent = "";
    delete chart.dataset.at;
  };
  document.addEventListener("pointermove", (event) => {
    const chart = event.target.closest && event.target.closest("svg[data-readings]");
    if (!chart) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    const xs = JSON.parse(chart.dataset.readings).map((reading) => Math.abs(reading[1] - point.x));
    read(chart, xs.indexOf(Math.min(...xs)));
  });
  document.addEventListener("pointerout", (event) => {
    const chart = event.target.closest && event.target.closest("svg[data-readings]");
    if (chart && !chart.contains(event.relatedTarget)) unread(chart);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches("svg[data-readings]")) unread(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches || !event.target.matches("svg[data-readings]")) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (!step) return;
    event.preventDefault();
    const last = JSON.parse(event.target.dataset.readings).length - 1;
    read(event.target, event.target.dataset.at === undefined ? last : Number(event.target.dataset.at) + step);
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
  // The command palette: `/` or Control K opens it over any page; the arrows go through what was found.
  const palette = () => document.getElementById("palette");
  const openPalette = () => {
    const dialog = palette();
    if (!dialog || dialog.open) return;
    dialog.showModal();
    const words = document.getElementById("palette-words");
    words.select();
    words.form.dispatchEvent(new Event("open"));
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-palette]");
    if (opener && palette() && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openPalette();
    }
    if (event.target === palette()) event.target.close();  // beside it
  });
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    const chord = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k";
    const slash = event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (palette() && (chord || slash)) {
      event.preventDefault();
      openPalette();
    } else if (palette() && palette().open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const stops = [document.getElementById("palette-words"), ...palette().querySelectorAll("#palette-found :is(a, button)")];
      const step = event.key === "ArrowDown" ? 1 : stops.length - 1;
      stops[(stops.indexOf(document.activeElement) + step) % stops.length].focus();
      event.preventDefault();
    }
  });
  // Newer results take the place of those one walks through: the focus stays on the same one, or goes back to the words.
  let walked = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "palette-found") return;
    walked = event.target.contains(document.activeElement) ? document.activeElement.closest("a, button") : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "palette-found" || !walked) return;
    const same = (one) => one.textContent === walked.textContent && one.getAttribute("href") === walked.getAttribute("href");
    const stops = [...event.target.querySelectorAll("a, button")];
    (stops.find(same) || document.getElementById("palette-words")).focus();
    walked = null;
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
    if (palette() && palette().open) {  // at once: a search field would empty itself first, and show what was found for other words
      event.preventDefault();
      palette().close();
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // A click on a link of the plan gets an id, and is sent once more when the reader is back: the first way may have failed.
  const USES = "gatehouse-uses";
  const MOST_USES = 50;
  const uses = () => {
    try {
      return JSON.parse(localStorage.getItem(USES)) || [];
    } catch {
      return [];
    }
  };
  const keepUses = (kept) => {
    try {
      localStorage.setItem(USES, JSON.stringify(kept.slice(-MOST_USES)));
    } catch { /* a browser that keeps nothing sends nothing again */ }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='/go/']");
    if (!link || !window.isSecureContext) return;
    const address = new URL(link.href);
    const use = crypto.randomUUID();
    address.searchParams.set("use", use);
    link.href = address.pathname + address.search;
    keepUses([...uses(), { path: address.pathname, use, at: new Date().toISOString() }]);
  });
  const sendUses = async () => {
    const token = document.querySelector("input[name='form_token']");
    if (document.hidden || !token) return;
    for (const one of uses()) {
      const body = new URLSearchParams({ form_token: token.value, use: one.use, used_at: one.at });
      try {
        const answer = await fetch(one.path, { method: "POST", body, redirect: "manual" });
        if (answer.status >= 500 || answer.type === "opaqueredirect" || answer.status === 401) return;
      } catch {
        return;
      }
      keepUses(uses().filter((other) => other.use !== one.use));
    }
  };
  document.addEventListener("visibilitychange", sendUses);
  document.addEventListener("DOMContentLoaded", sendUses);

  // A part of a page that others change too: a WebSocket tells its newest version, and the part is asked for again.
  // `data-live` answers with a ticket for the socket, `data-live-part` with the part. Whoever writes in it isn't disturbed.
  const LEAST_WAIT_MS = 200;
  const MOST_WAIT_MS = 30000;
  let sending = 0;  // forms whose answers are on their way: they show the newest themselves, with how to undo it
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "post") sending += 1;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.requestConfig.verb === "post") sending = Math.max(0, sending - 1);
  });
  const FINAL = [4403, 4404, 4429];  // may not see it any more, or has too many open: no further attempt
  const liveParts = () => document.querySelectorAll("[data-live]:not([data-live-state])").forEach((part) => {
    let wait = LEAST_WAIT_MS;
    let newest = null;
    let looking = 0;
    const shown = () => Number(part.querySelector("[name=current_version]").value);
    const writes = () => part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    const look = () => {
      if (!newest || sending || writes() || document.hidden || (newest.version && newest.version <= shown())) return;
      const by = newest.by ? `?by=${newest.by}` : "";
      newest = null;
      htmx.ajax("GET", part.dataset.livePart + by, { target: part, swap: "innerHTML" });
    };
    const lookSoon = () => {
      clearTimeout(looking);
      looking = setTimeout(look, 150);  // an action of this page may be on its way: its answer is as new
    };
    const again = (code) => {
      part.dataset.liveState = FINAL.includes(code) ? "ended" : "away";
      part.dataset.liveCode = code;
      if (FINAL.includes(code) || !part.isConnected) return;
      setTimeout(open, code === 1012 ? Math.random() * LEAST_WAIT_MS : wait * (0.5 + Math.random()));
      wait = code === 1012 ? LEAST_WAIT_MS : Math.min(2 * wait, MOST_WAIT_MS);
    };
    const open = async () => {
      let answer;
      try {
        answer = await fetch(part.dataset.live, { headers: { Accept: "application/json" } });
      } catch {
        return again(0);
      }
      if (!answer.ok || answer.redirected) return again(answer.status < 500 ? 4404 : 0);
      const { path, ticket } = await answer.json();
      const socket = new WebSocket(location.origin.replace("http", "ws") + path, ["gatehouse.v1", ticket]);
      socket.addEventListener("message", (event) => {
        wait = LEAST_WAIT_MS;
        part.dataset.liveState = "on";
        newest = JSON.parse(event.data);
        lookSoon();
      });
      socket.addEventListener("close", (event) => again(event.code));
    };
    // An answer that a form has overtaken shows nothing new, and would take its message away.
    part.addEventListener("htmx:beforeSwap", (event) => {
      const version = /name="current_version" value="(\d+)"/.exec(event.detail.serverResponse);
      const overtaken = event.detail.requestConfig.verb === "get" && version && Number(version[1]) <= shown();
      if (event.detail.target === part && overtaken) event.detail.shouldSwap = false;
    });
    part.dataset.liveState = "opening";
    document.addEventListener("htmx:afterRequest", lookSoon);
    part.addEventListener("focusout", lookSoon);
    document.addEventListener("visibilitychange", lookSoon);
    open();
  });

  // Pages on which somebody writes wait for a new sign-in (islands/session.ts).
  const saySignedIn = () => {
    if (!document.body.dataset.account) return;
    const channel = new BroadcastChannel("gatehouse-signed-in");
    channel.postMessage(null);
    channel.close();
  };

  document.addEventListener("DOMContentLoaded", () => {
    saySignedIn();
    liveParts();
    for (const button of document.querySelectorAll("[data-pause]")) button.hidden = false;
    showToasts();
    localize();
  });
})();
