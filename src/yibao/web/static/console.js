// What the pages can do more with a script: the list grows by itself, j and k walk it, texts are
// copied. Every page reads and works without it. It is this small, and there is no HTMX, because the
// one package that ships HTMX pulls in a web framework that nothing here needs.
"use strict";

const live = document.getElementById("live");
const pause = document.getElementById("pause");
const EVERY = 1000;
const MOST_ROWS = 300;
let paused = false;

async function lookForNew() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch(`/ui/messages/rows?${live.dataset.query}&after=${live.dataset.last}`);
      if (answer.ok) {
        live.dataset.last = answer.headers.get("X-Last-Message");
        add(await answer.text());
      }
    } catch {
      // the server restarts: look again later
    }
  }
  setTimeout(lookForNew, EVERY);
}

function add(rows) {
  if (!rows.trim()) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = rows; // made and escaped by our own server
  for (const row of fresh.content.querySelectorAll("tr")) row.classList.add("fresh");
  live.prepend(fresh.content);
  while (live.rows.length > MOST_ROWS) live.deleteRow(-1);
  document.getElementById("empty")?.remove();
}

if (live) {
  setTimeout(lookForNew, EVERY);
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? pause.dataset.paused : pause.dataset.live;
  });
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.getElementById("search");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  if (event.key !== "j" && event.key !== "k") return;
  const links = [...document.querySelectorAll(".messages .when a")];
  const here = links.indexOf(document.activeElement);
  const next = event.key === "j" ? here + 1 : Math.max(here - 1, 0);
  links[Math.min(next, links.length - 1)]?.focus();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
  });
}

// a code table that a field points to lies folded
addEventListener("hashchange", unfold);
unfold();
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
